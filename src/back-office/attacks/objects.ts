import { randomUUID } from 'node:crypto'
import { OPERATOR_SCOPES, TENANT_SCOPES } from '../../control/control-plane.ts'
import { CONFIGURATION_SCOPE } from '../../control/operators/tenant-administrators.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import { parseSetName, parseSubject } from '../../core/names.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import {
  contractForm,
  EVERYBODYS,
  GROUND_MANIFESTS,
  form,
  type Form,
  guardrailForm,
  pathOf,
  planForm,
  read,
  upstreamForm,
} from '../house/declared.ts'
import { EU, STANDARD } from '../house/ground.ts'
import { signedIn, type SignedInAs } from '../house/people.ts'
import { API_AUDIENCE, CHIEF } from '../house/site.ts'
import { issuerOf } from '../house/world.ts'
import { type AttackFacts, bodyOf, headerOf, noneMay, type OfficeAttack, staged } from './attack.ts'
import { OPERATIONS } from './scopes.ts'

const facts = (id: string, title: string, kind: AttackFacts['kind'] = 'write'): AttackFacts => ({
  id,
  title,
  kind,
})
const someName = (what: string) => `${what}-${randomUUID().slice(0, 8)}`

/** Declares past the API, until the strike is over. */
async function declared(duel: Duel, ...forms: readonly Form[]): Promise<void> {
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
async function restored(duel: Duel): Promise<void> {
  const { manifests, tenants } = duel.site.plane
  await manifests.apply({ manifests: GROUND_MANIFESTS }, CHIEF)
  const { displayName, plan } = await tenants.get(duel.attackerId)
  const { nameCanary } = duel.attacker
  if (displayName === nameCanary && plan === STANDARD) return
  const change = { displayName: nameCanary, plan: STANDARD }
  await tenants.update(duel.attackerId, change, undefined, CHIEF)
}

/** Whatever the attacker got declared, also where nothing looked at it. */
async function forgotten(duel: Duel): Promise<void> {
  await duel.site.database.query('delete from registry.object where owner = $1', [duel.attackerId])
}

/** An administrator of the attacker's tenant, who has declared something of the tenant's own. */
async function administers(duel: Duel): Promise<{ token: string; owner: string }> {
  const { token } = await duel.administrator()
  const own = guardrailForm(someName('own'), duel.attackerId)
  const made = await duel.ownerSays('PUT', pathOf(own), { token, body: { spec: own.spec } })
  must(made.status === 200, 'declare a guardrail of its own')
  duel.afterwards(() => duel.ownerSays('DELETE', pathOf(own), { token }))
  return { token, owner: 'the administrator declared a guardrail of its own tenant' }
}

/** What the attacker's realm gives its administrator, but for what is said. */
async function administratorAt(duel: Duel, { access, ...more }: SignedInAs): Promise<string> {
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
async function writes(duel: Duel, token: string, one: Form): Promise<readonly Heard[]> {
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
function secretGuardrail(duel: Duel, name: string): Form {
  const canary = `topic-canary-${randomUUID()}`
  duel.secrets.push(canary)
  const topics = [{ name: 'secret', words: [canary] }]
  const rules = [{ kind: 'topics', topics, action: 'block' }]
  return form('Guardrail', name, { direction: 'both', rules }, duel.victimId)
}

export const OBJECTS: readonly OfficeAttack[] = [
  staged(
    facts('ca-object-of-other', "An administrator declares, changes and removes another tenant's"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const there = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, there)
      return {
        owner,
        attempt: async () => {
          const weaker = { ...there, spec: guardrailForm('x', undefined, 9_999_999).spec }
          const added = guardrailForm(someName('added'), duel.victimId)
          return noneMay([
            ...(await writes(duel, token, weaker)),
            ...(await writes(duel, token, added)),
          ])
        },
      }
    },
  ),
  staged(
    facts('ca-object-read-other', "An administrator reads what is another tenant's", 'read'),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const there = secretGuardrail(duel, someName('theirs'))
      await declared(duel, there)
      return {
        owner,
        attempt: async () => {
          const path = pathOf(there)
          const heard = [
            await duel.says('GET', path, { token }),
            await duel.says('GET', `${path}?generation=1`, { token }),
            await duel.says('GET', `${path}/history`, { token }),
            await duel.says('GET', `${path}?tenant=${duel.attackerId}`, { token }),
            await duel.says('GET', '/v1/drift', { token }),
          ]
          // Lists are good, and hold nothing of it.
          await duel.says('GET', '/v1/objects?limit=500', { token })
          await duel.says('GET', `/v1/objects?tenant=${duel.victimId}`, { token })
          await duel.says('GET', '/v1/objects?kind=guardrail&limit=500', { token })
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-refer-other', "A tenant's contract forwards to another tenant's upstream"),
    async (duel) => {
      const { token } = await duel.administrator()
      const own = upstreamForm(someName('mine'), 'https://mine.example.com', duel.attackerId)
      const theirs = upstreamForm(someName('theirs'), 'https://theirs.example.com', duel.victimId)
      await declared(duel, own, theirs)
      const put = (upstream: string) => {
        const { spec } = contractForm(duel.attackerId, upstream)
        const path = pathOf(contractForm(duel.attackerId, upstream))
        return { path, body: { spec } }
      }
      const good = put(own.metadata.name)
      const made = await duel.ownerSays('PUT', good.path, { token, body: good.body })
      must(made.status === 200, `forward to an upstream of its own: ${made.body}`)
      duel.afterwards(() => duel.ownerSays('DELETE', good.path, { token }))
      return {
        owner: 'the administrator had an API forwarded to an upstream of its own',
        attempt: async () => {
          const { path, body } = put(theirs.metadata.name)
          const objects = [contractForm(duel.attackerId, theirs.metadata.name)]
          return noneMay([
            await duel.says('PUT', path, { token, body }),
            await duel.says('POST', '/v1/apply', { token, body: { objects } }),
          ])
        },
      }
    },
  ),
  staged(
    facts('ca-object-prune-other', 'Pruning a set takes what another tenant has of the same set'),
    async (duel) => {
      const { token } = await duel.administrator()
      const set = parseSetName(someName('set'))
      const theirs = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, theirs)
      await duel.site.plane.manifests.apply({ manifests: [read(theirs)], set }, CHIEF)
      const own = guardrailForm(someName('mine'), duel.attackerId)
      const apply = (objects: readonly Form[]) => ({ token, body: { objects, set, prune: true } })
      const made = await duel.ownerSays('POST', '/v1/apply', {
        token,
        body: { objects: [own], set },
      })
      must(made.status === 200, 'declare something of a set')
      return {
        owner: 'the administrator declared something of a set',
        attempt: async () => {
          const { status, body } = await duel.says('POST', '/v1/apply', apply([]))
          const left = await duel.site.plane.manifests
            .get({ kind: 'Guardrail', name: theirs.metadata.name, tenant: duel.victimId }, CHIEF)
            .catch(() => undefined)
          const told = body.includes(theirs.metadata.name)
          return { crossed: left === undefined || told, met: String(status) }
        },
      }
    },
  ),
  staged(
    facts('ca-object-of-platform', "An administrator weakens or makes what is the platform's"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      duel.afterwards(() => restored(duel))
      return {
        owner,
        attempt: async () => {
          const seen = await duel.says('GET', `/v1/objects/${EVERYBODYS}`, { token })
          must(seen.status === 200, 'read what holds for everybody')
          const region = String(EU)
          const forms = [
            guardrailForm('everybodys', undefined, 9_999_999),
            upstreamForm('clinic', 'https://mine.example.com'),
            planForm(STANDARD, 9_999_999),
            planForm(someName('gold'), 9_999_999),
            form('Tenant', duel.attackerId, { tier: 'pooled', region, plan: 'guarded' }),
          ]
          const heard: Heard[] = []
          for (const one of forms) heard.push(...(await writes(duel, token, one)))
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-upstream-inside', "A tenant's own upstream at an address of the platform's"),
    async (duel) => {
      const { token } = await duel.administrator()
      const guest = await duel.settledGuest()
      const host = `${someName('host')}.example.com`
      const { tenants } = duel.site.plane
      await tenants.update(guest.tenant, { hosts: [host] }, undefined, CHIEF)
      duel.afterwards(() => tenants.update(guest.tenant, { hosts: [] }, undefined, CHIEF))
      const at = (url: string) => upstreamForm('crm', url, duel.attackerId)
      const good = at('https://crm.example.com')
      const made = await duel.ownerSays('PUT', pathOf(good), { token, body: { spec: good.spec } })
      must(made.status === 200, 'declare an upstream on the internet')
      duel.afterwards(() => forgotten(duel))
      return {
        owner: 'the administrator declared an upstream on the internet',
        attempt: async () => {
          const heard: Heard[] = []
          for (const url of [
            'http://169.254.169.254/latest',
            'http://127.1:5432',
            'http://[::ffff:10.0.0.1]',
            'http://metadata.google.internal',
            `https://${host}`,
            `https://${host.toUpperCase()}.:8443`,
            'https://user:secret@crm.example.com',
          ]) {
            const { spec } = at(url)
            heard.push(await duel.says('PUT', pathOf(good), { token, body: { spec } }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-tag-other', "The tag of one's own object, for another tenant's of its name"),
    async (duel) => {
      const name = someName('same')
      const [own, theirs] = [
        guardrailForm(name, duel.attackerId),
        guardrailForm(name, duel.victimId),
      ]
      await declared(duel, own, theirs)
      const { token } = await duel.operator(TENANT_SCOPES)
      const tagOf = async (one: Form) =>
        headerOf(await duel.ownerSays('GET', pathOf(one), { token }), 'etag')
      const put = async (condition: string, bytes: number) => {
        const { spec } = guardrailForm(name, undefined, bytes)
        const headers = [['If-Match', condition]] as const
        return duel.ownerSays('PUT', pathOf(theirs), { token, body: { spec }, headers })
      }
      const older = await tagOf(theirs)
      must((await put(older, 1_001)).status === 200, 'change an object under its tag')
      must((await put(await tagOf(theirs), 1_000)).status === 200, 'change it back')
      return {
        owner: 'the owner changed an object under its tag',
        attempt: async () => {
          const foreign = await tagOf(own)
          return noneMay([await put(foreign, 5), await put(older, 5), await put(`W/${older}`, 5)])
        },
      }
    },
  ),
  staged(
    facts('ca-object-cursor', "The cursor of another tenant's objects, in one's own list", 'read'),
    async (duel) => {
      const names = [someName('a'), someName('b')]
      const listOf = (tenant: string) => `/v1/objects?tenant=${tenant}&limit=1`
      for (const tenant of [duel.attackerId, duel.victimId]) {
        await declared(duel, ...names.map((name) => guardrailForm(name, tenant)))
      }
      const { token } = await duel.operator(TENANT_SCOPES)
      const first = await duel.ownerSays('GET', listOf(duel.victimId), { token })
      const cursor = encodeURIComponent(String(bodyOf(first)['next']))
      const more = `${listOf(duel.victimId)}&cursor=${cursor}`
      const second = await duel.ownerSays('GET', more, { token })
      must(second.status === 200 && second.body !== first.body, 'turn the page with its cursor')
      const own = await duel.administrator()
      return {
        owner: 'the owner turned a page with its cursor',
        attempt: async () =>
          noneMay([
            await duel.says('GET', `${listOf(duel.attackerId)}&cursor=${cursor}`, own),
            await duel.says('GET', `/v1/objects?limit=1&cursor=${cursor}`, own),
          ]),
      }
    },
  ),
  staged(
    facts('ca-object-token-beyond', "A tenant's token, at everything that is for operators"),
    async (duel) => {
      const { token, owner } = await administers(duel)
      const { tenant } = await duel.settledGuest()
      const lease = duel.site.world.live(tenant)[0] ?? ''
      const things = { tenant, lease, workflow: 'none', approval: 'none', support: 'none' }
      const scopes = OPERATOR_SCOPES.filter((one) => !TENANT_SCOPES.some((own) => own === one))
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          const reads = scopes.flatMap((scope) => OPERATIONS[scope](things))
          for (const [method, path] of reads) {
            // What changes the whole platform would end the proof as well.
            if (method === 'GET') heard.push(await duel.says(method, path, { token }))
          }
          const hold = { token, body: { legal_hold: true } }
          heard.push(await duel.says('PATCH', `/v1/tenants/${tenant}`, hold))
          return { ...noneMay(heard), crossed: heard.some(({ status }) => status !== 403) }
        },
      }
    },
  ),
  staged(
    facts('ca-object-realm-token', "What one's own realm signs, in another tenant's name"),
    async (duel) => {
      const at = administratorAt
      const own = guardrailForm(someName('own'), duel.attackerId)
      const put = { token: await at(duel, {}), body: { spec: own.spec } }
      const made = await duel.ownerSays('PUT', pathOf(own), put)
      must(made.status === 200, 'declare by a sign-in at its own realm')
      duel.afterwards(() => forgotten(duel))
      const there = guardrailForm(someName('theirs'), duel.victimId)
      await declared(duel, there)
      return {
        owner: 'the administrator declared by a sign-in at its own realm',
        attempt: async () => {
          const heard: Heard[] = []
          for (const unusual of [
            { access: { tenant: duel.victimId } },
            { access: { tenant: duel.victimId, subject: parseSubject('operator') } },
            { key: duel.ground.keys.stranger, issuer: issuerOf(duel.victimId) },
          ]) {
            const token = await at(duel, unusual)
            heard.push(await duel.says('GET', pathOf(there), { token }))
            const body = { spec: guardrailForm('x', undefined, 9_999_999).spec }
            heard.push(await duel.says('PUT', pathOf(there), { token, body }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-object-of-the-former', 'The token of a tenant that is gone, for the next of its id'),
    async (duel) => {
      const { site } = duel
      const former = await duel.settledGuest()
      const { token } = await duel.administrator(former.tenant)
      const own = guardrailForm('own', former.tenant)
      const put = { token, body: { spec: own.spec } }
      const made = await duel.ownerSays('PUT', pathOf(own), put)
      must(made.status === 200, 'declare a guardrail of its own')
      const { tenants } = site.plane
      const over = { purge: true, why: 'a proof' }
      await site.ended(await tenants.offboard(former.tenant, over, CHIEF))
      await site.settle({ ...former, nameCanary: 'the next one' })
      return {
        owner: 'the administrator declared a guardrail before the tenant was gone',
        attempt: async () =>
          noneMay([
            await duel.says('GET', pathOf(own), { token }),
            await duel.says('PUT', pathOf(own), put),
            await duel.says('GET', '/v1/objects', { token }),
          ]),
      }
    },
  ),
]
