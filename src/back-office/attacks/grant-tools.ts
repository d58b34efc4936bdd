import { randomUUID } from 'node:crypto'
import { parseGrantId, parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import type { SignedInAs } from '../house/people.ts'
import { CHIEF } from '../house/site.ts'
import { issuerOf } from '../house/world.ts'
import { administratorAt } from './object-tools.ts'
import { bodyOf } from '../../strikes/heard.ts'

const DAY_MS = 86_400_000

/** What is said of one tenant to another: whoever else reads it has read what is between the two. */
export function offerTo(grantee: string, subject = 'somebody'): Readonly<Record<string, unknown>> {
  const moment = (days: number) => new Date(Date.now() + days * DAY_MS).toISOString()
  return {
    ...{ grantee, subject, scopes: ['read'], bills: 'grantor' },
    ...{ apis: ['clinic'], actions: ['read'], resources: ['/'] },
    ...{ not_before: moment(-1), expires: moment(7) },
  }
}

/** Somebody who administers a tenant, by a sign-in at its realm. */
export function speaker(duel: Duel, tenant: TenantId, more: SignedInAs = {}): Promise<string> {
  const { access, ...rest } = more
  return administratorAt(duel, { issuer: issuerOf(tenant), ...rest, access: { tenant, ...access } })
}

/** A tenant that is neither of the two. */
export function third({ ground, attacker, victim }: Duel): TenantId {
  const found = ground.parties.find((one) => one !== attacker && one !== victim)
  if (found === undefined) throw new Error('there are two tenants only')
  return found.tenant
}

/** What one administrator offers, until the strike is over. */
export async function offered(
  duel: Duel,
  token: string,
  grantee: TenantId,
  subject?: string,
): Promise<string> {
  const body = offerTo(grantee, subject)
  const made = await duel.ownerSays('POST', '/v1/grants', { token, body })
  must(made.status === 201, `offer a grant: ${made.status}`)
  const { id } = bodyOf(made)
  duel.afterwards(() => duel.site.plane.grants.revoke(parseGrantId(id), CHIEF))
  return String(id)
}

/** What is decided about an offer by somebody whose it is. */
export async function decided(
  duel: Duel,
  token: string,
  id: string,
  noun: 'acceptance' | 'refusal' | 'revocation',
): Promise<void> {
  const made = await duel.ownerSays('POST', `/v1/grants/${id}/${noun}`, { token, body: {} })
  must(made.status === 200, `${noun} of a grant: ${made.status}`)
}

/** Everything that can be asked about one grant. */
export async function asked(duel: Duel, token: string, id: string): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  for (const below of ['', '/uses']) {
    heard.push(await duel.says('GET', `/v1/grants/${id}${below}`, { token }))
  }
  for (const noun of ['acceptance', 'refusal', 'revocation']) {
    heard.push(await duel.says('POST', `/v1/grants/${id}/${noun}`, { token, body: {} }))
  }
  return heard
}

/** A name that nobody but the victim's side may read. */
export function secretName(duel: Duel): string {
  const name = parseSubject(`grant-canary-${randomUUID()}`)
  duel.secrets.push(name)
  return name
}
