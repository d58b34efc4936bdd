import { randomUUID } from 'node:crypto'
import { CONFIGURATION_SCOPE } from '../../control/operators/tenant-administrators.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import {
  GROUND_MANIFESTS,
  form,
  type Form,
  guardrailForm,
  pathOf,
  read,
} from '../house/declared.ts'
import { STANDARD } from '../house/ground.ts'
import { signedIn, type SignedInAs } from '../house/people.ts'
import { API_AUDIENCE, CHIEF } from '../house/site.ts'
import { issuerOf } from '../house/world.ts'
import type { AttackFacts } from './attack.ts'

export const facts = (
  id: string,
  title: string,
  kind: AttackFacts['kind'] = 'write',
): AttackFacts => ({
  id,
  title,
  kind,
})
export const someName = (what: string) => `${what}-${randomUUID().slice(0, 8)}`

/** Declares past the API, until the strike is over. */
export async function declared(duel: Duel, ...forms: readonly Form[]): Promise<void> {
  const manifests = forms.map(read)
  const { plane } = duel.site
  await plane.manifests.apply({ manifests }, CHIEF)
  duel.afterwards(async () => {
    for (const manifest of manifests.toReversed()) {
      const { kind, metadata } = manifest
      const reference = { kind, name: metadata.name, tenant: metadata.tenant }
      await plane.manifests.apply({ manifests: [], remove: [reference] }, CHIEF).catch(() => {})
    }
  })
}

/** What is the platform's, as it was. */
export async function restored(duel: Duel): Promise<void> {
  const { manifests, tenants } = duel.site.plane
  await manifests.apply({ manifests: GROUND_MANIFESTS }, CHIEF)
  const { displayName, plan } = await tenants.get(duel.attackerId)
  const { nameCanary } = duel.attacker
  if (displayName === nameCanary && plan === STANDARD) return
  const change = { displayName: nameCanary, plan: STANDARD }
  await tenants.update(duel.attackerId, change, undefined, CHIEF)
}

/** Whatever the attacker got declared, also where nothing looked at it. */
export async function forgotten(duel: Duel): Promise<void> {
  await duel.site.database.query('delete from registry.object where owner = $1', [duel.attackerId])
}

/** An administrator of the attacker's tenant, who has declared something of the tenant's own. */
export async function administers(duel: Duel): Promise<{ token: string; owner: string }> {
  const { token } = await duel.administrator()
  const own = guardrailForm(someName('own'), duel.attackerId)
  const made = await duel.ownerSays('PUT', pathOf(own), { token, body: { spec: own.spec } })
  must(made.status === 200, 'declare a guardrail of its own')
  duel.afterwards(() => duel.ownerSays('DELETE', pathOf(own), { token }))
  return { token, owner: 'the administrator declared a guardrail of its own tenant' }
}

/** What the attacker's realm gives its administrator, but for what is said. */
export async function administratorAt(
  duel: Duel,
  { access, ...more }: SignedInAs,
): Promise<string> {
  const { token } = await signedIn(duel.ground, 'administrator', [], {
    ...{ key: duel.ground.keys.realm, issuer: issuerOf(duel.attackerId), audience: API_AUDIENCE },
    ...more,
    access: {
      ...{ tenant: duel.attackerId, client: 'own-cli' },
      ...{ roles: [TENANT_ADMIN_ROLE], scopes: [CONFIGURATION_SCOPE] },
      ...access,
    },
  })
  return token
}

/** Everything by which one form could be written. */
export async function writes(duel: Duel, token: string, one: Form): Promise<readonly Heard[]> {
  const { kind, metadata } = one
  return [
    await duel.says('POST', '/v1/apply', { token, body: { objects: [one] } }),
    await duel.says('PUT', pathOf(one), { token, body: { spec: one.spec } }),
    await duel.says('PUT', pathOf(one), {
      token,
      body: { spec: one.spec },
      headers: [['X-Tenant', metadata.tenant ?? '']],
    }),
    await duel.says('DELETE', pathOf(one), { token }),
    await duel.says('POST', '/v1/apply', {
      token,
      body: { objects: [], remove: [{ kind, ...metadata }] },
    }),
  ]
}

/** A tenant's own name in what it declares: whoever reads it has read what is the tenant's. */
export function secretGuardrail(duel: Duel, name: string): Form {
  const canary = `topic-canary-${randomUUID()}`
  duel.secrets.push(canary)
  const topics = [{ name: 'secret', words: [canary] }]
  const rules = [{ kind: 'topics', topics, action: 'block' }]
  return form('Guardrail', name, { direction: 'both', rules }, duel.victimId)
}
