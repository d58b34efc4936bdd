import { randomUUID } from 'node:crypto'
import { forgeUnsigned, forgeWithSecret, headerOf } from '../../strikes/forge.ts'
import { parseSubject } from '../../core/names.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import type { SignedInAs } from '../house/people.ts'
import { issuerOf } from '../house/world.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'

const ONE_FACTOR = 'urn:ringfence:acr:1'
const ACCESS_TOKEN = 'at+jwt'

const facts = (
  id: string,
  title: string,
  kind: AttackFacts['kind'],
  ...references: string[]
): AttackFacts => ({ id, title, kind, references })

/** A person who has read the victim. */
async function reader(duel: Duel): Promise<{ readonly path: string; readonly owner: string }> {
  const { token } = await duel.person(['viewer'])
  const path = `/v1/tenants/${duel.victim.tenant}`
  const { status } = await duel.ownerSays('GET', path, { token })
  must(status === 200, 'read its tenant after signing in')
  return { path, owner: 'somebody who signed in read the tenant' }
}

/** A sign-in that is unusual in some way, from which nothing may be read. */
function reads(
  id: string,
  title: string,
  ways: (duel: Duel) => readonly SignedInAs[],
  ...references: string[]
): OfficeAttack {
  return staged(facts(id, title, 'read', ...references), async (duel) => {
    const { path, owner } = await reader(duel)
    return {
      owner,
      attempt: async () => {
        const heard: Heard[] = []
        for (const way of ways(duel)) {
          const { token } = await duel.person(['security', 'operator', 'viewer'], way)
          heard.push(await duel.says('GET', path, { token }))
        }
        return noneMay(heard)
      },
    }
  })
}

/** What an operator may do to a tenant, and a viewer not. */
async function changer(duel: Duel) {
  const { tenant } = await duel.settledGuest()
  const change = (token: string) => ({ token, body: { legal_hold: true } })
  const path = `/v1/tenants/${tenant}`
  const { token } = await duel.person(['operator'])
  const shown = await duel.ownerSays('PATCH', path, { token, body: { legal_hold: false } })
  must(shown.status === 200, 'change a tenant as an operator with two factors')
  return { path, change, owner: 'an operator who signed in with two factors changed the tenant' }
}

export const PEOPLE: readonly OfficeAttack[] = [
  staged(facts('ca-person-viewer-acts', 'A viewer changes a tenant', 'write'), async (duel) => {
    const { path, change, owner } = await changer(duel)
    return {
      owner,
      attempt: async () => {
        const { token } = await duel.person(['viewer'], {
          // What a token says of scopes is nothing here: the roles decide.
          access: { scopes: ['tenants:write', 'security:write'] },
        })
        return noneMay([
          await duel.says('PATCH', path, change(token)),
          await duel.says('POST', `${path}/suspension`, { token, body: { why: 'a proof' } }),
        ])
      },
    }
  }),
  staged(
    facts('ca-person-one-factor', 'An operator acts after one factor', 'write', 'RFC 9470'),
    async (duel) => {
      const { path, change, owner } = await changer(duel)
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const acr of [ONE_FACTOR, 'urn:ringfence:acr:2 ', 'URN:ringfence:acr:2', '0']) {
            const { token } = await duel.person(['operator'], { acr })
            heard.push(await duel.says('PATCH', path, change(token)))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  reads(
    'ca-person-of-tenant-realm',
    'A token of a tenant’s realm, whose tenant calls itself security',
    ({ attacker, ground }) => {
      const key = ground.keys.realm
      const issuer = issuerOf(attacker.tenant)
      const { tenant } = attacker
      return [
        { key, issuer, access: { tenant } },
        { key, issuer },
        { key },
        { key, access: { tenant } },
      ]
    },
    'RFC 8725 3.8',
  ),
  reads(
    'ca-person-other-audience',
    'An operator’s token for the platform’s API, and for other planes',
    () =>
      ['https://api.back-office.test/', 'urn:ringfence:vending', 'urn:back-office:control/'].map(
        (audience) => ({ audience }),
      ),
    'RFC 8725 3.9',
  ),
  reads('ca-person-expired', 'An operator’s token after its end', () => [{ seconds: -30 }]),
  reads(
    'ca-person-stands-in',
    'A token by which somebody else acts as an operator, or that is bound to a key',
    () => [
      { access: { actor: { subject: parseSubject('somebody') } } },
      { access: { boundTo: 'k'.repeat(43) } },
    ],
    'RFC 8693 4.1',
    'RFC 9449 6',
  ),
  staged(
    facts(
      'ca-person-forged',
      'Tokens of operators, signed by nobody who may',
      'read',
      'RFC 8725 3.1',
    ),
    async (duel) => {
      const { path, owner } = await reader(duel)
      const { operators, stranger } = duel.ground.keys
      const { token } = await duel.person(['security'])
      return {
        owner,
        attempt: async () => {
          const claims = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()
          const { alg: _alg, ...header } = headerOf(operators, ACCESS_TOKEN)
          const secret = JSON.stringify(operators.publicJwk)
          const others = await duel.person(['security'], { key: stranger })
          const forged = [
            forgeUnsigned({ ...header, alg: 'none' }, claims),
            forgeUnsigned(
              { ...header, alg: 'ES256' },
              claims,
              Buffer.alloc(64).toString('base64url'),
            ),
            forgeWithSecret(secret, { ...header, alg: 'HS256' }, claims),
            others.token,
          ]
          const heard: Heard[] = []
          for (const one of forged) heard.push(await duel.says('GET', path, { token: one }))
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-person-revoked', 'An operator’s token after its session was ended', 'read'),
    async (duel) => {
      const { path } = await reader(duel)
      const { token, session } = await duel.person(['viewer'])
      const { status } = await duel.ownerSays('GET', path, { token })
      must(status === 200, 'read its tenant before the session was ended')
      duel.site.revoked.add(session)
      return {
        owner: 'it read the tenant before its session was ended',
        attempt: async () => noneMay([await duel.says('GET', path, { token })]),
      }
    },
  ),
  staged(
    facts(
      'ca-operators-realm-onboarded',
      'A tenant that is called as the operators’ realm',
      'write',
    ),
    async (duel) => {
      const { token } = await duel.person(['operator'])
      const asked = (id: string) => ({
        token,
        body: { id, display_name: 'Own', tier: 'pooled', region: 'eu-west', plan: 'standard' },
      })
      const own = duel.ownGuest().tenant
      const { status } = await duel.ownerSays('POST', '/v1/tenants', asked(own))
      must(status === 202, 'have a tenant onboarded')
      await duel.rest()
      return {
        owner: 'an operator had a tenant onboarded',
        attempt: async () =>
          noneMay([await duel.says('POST', '/v1/tenants', asked('ringfence-operators'))]),
      }
    },
  ),
]

/** A token that somebody asks for, which needs a second person. */
export async function asksForToken(duel: Duel) {
  const who = await duel.person(['security', 'operator'])
  const name = `caller-${randomUUID().slice(0, 12)}`
  // What one may hand on is what one has.
  const what = (scopes: readonly string[]) => ({
    token: who.token,
    body: { name, scopes, seconds: 3_600 },
  })
  const asked = await duel.ownerSays('POST', '/v1/operators', what(['leases:read']))
  const location = asked.headers.find(([field]) => field === 'location')?.[1] ?? ''
  must(asked.status === 409 && location !== '', 'ask for what needs a second person')
  const approval = location.split('/').at(-1) ?? ''
  const make = (scopes: readonly string[] = ['leases:read']) =>
    duel.says('POST', '/v1/operators', what(scopes))
  return { who, name, approval, make }
}
