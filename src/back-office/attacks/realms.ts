import { randomUUID } from 'node:crypto'
import type { TenantId } from '../../core/tenant.ts'
import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { type AttackFacts, noneMay, type OfficeAttack, staged } from './attack.ts'
import { bodyOf, headerOf } from '../../strikes/heard.ts'

const facts = (id: string, title: string, kind: AttackFacts['kind'] = 'write'): AttackFacts => ({
  id,
  title,
  kind,
})
const usersOf = (tenant: TenantId) => `/v1/tenants/${tenant}/users`

interface Entered {
  readonly token: string
  readonly user: string
  readonly made: Heard
}

/** A user of a tenant, whose name nobody else may read, entered by who may. */
async function entered(duel: Duel, tenant: TenantId, id: string = randomUUID()): Promise<Entered> {
  const { token } = await duel.person(['operator'])
  const name = `user-canary-${randomUUID()}`
  if (tenant !== duel.attackerId) duel.secrets.push(name)
  const body = { id, user_name: name }
  const made = await duel.together(() => duel.ownerSays('POST', usersOf(tenant), { token, body }))
  must(made.status === 201, 'enter a user')
  duel.afterwards(() => duel.ownerSays('DELETE', `${usersOf(tenant)}/${id}`, { token }))
  return { token, user: id, made }
}

/** The owner has read the user through its own tenant's path. */
async function shown(duel: Duel): Promise<Entered & { readonly owner: string }> {
  const its = await entered(duel, duel.victimId)
  const path = `${usersOf(duel.victimId)}/${its.user}`
  const { status } = await duel.ownerSays('GET', path, { token: its.token })
  must(status === 200, 'read the user')
  return { ...its, owner: 'the owner read the user through its own path' }
}

/** The user of the victim, after its owner has changed it under its tag. */
async function changedUnderTag(duel: Duel) {
  const its = await entered(duel, duel.victimId)
  const path = `${usersOf(duel.victimId)}/${its.user}`
  const older = headerOf(its.made, 'etag')
  const what = { token: its.token, headers: [['If-Match', older]] as const }
  const body = { display_name: 'Changed' }
  const { status } = await duel.ownerSays('PATCH', path, { ...what, body })
  must(status === 200, 'change the user under its tag')
  return { ...its, path, older, owner: 'the owner changed the user under its tag' }
}

/** A change under a tag that is not of the user as it is. */
async function under(duel: Duel, path: string, token: string, tag: string) {
  const what = { token, headers: [['If-Match', tag]] as const, body: { active: false } }
  // Made by the owner, with what it must not be enough to have.
  return noneMay([await duel.ownerSays('PATCH', path, what)])
}

/** All that would let somebody in, by which an operator alone could get at a tenant's data. */
function waysIn(tenant: TenantId, user: string): readonly (readonly [string, string, object])[] {
  const below = `/v1/tenants/${tenant}`
  return [
    ['POST', `${below}/users`, { user_name: 'intruder', email: 'intruder@attacker.test' }],
    ['PATCH', `${below}/users/${user}`, { email: 'intruder@attacker.test' }],
    ['PATCH', `${below}/users/${user}`, { user_name: 'intruder' }],
    ['POST', `${below}/users/${user}/invitation`, {}],
    ['POST', `${below}/users/${user}/password-reset`, {}],
    ['PUT', `${below}/bindings`, { user, role: 'admin' }],
    ['POST', `${below}/clients`, { client: 'intruder', scopes: ['read'] }],
    ['POST', `${below}/registration-tokens`, { seconds: 60 }],
    ['POST', `${below}/scim-tokens`, { name: 'intruder' }],
    ['PUT', `${below}/sources`, { kind: 'oidc', source: 'https://attacker.test' }],
  ]
}

export const REALMS: readonly OfficeAttack[] = [
  staged(
    facts('ca-realm-let-in-alone', 'An operator lets somebody into a tenant’s realm, alone'),
    async (duel) => {
      const { user, owner } = await shown(duel)
      const { token } = await duel.person(['operator', 'security'])
      const owned = await duel.operator(['realms:read', 'realms:write'])
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const [method, path, body] of waysIn(duel.victimId, user)) {
            const what = path.endsWith('invitation') || path.endsWith('reset') ? {} : { body }
            heard.push(await duel.says(method, path, { token, ...what }))
            heard.push(await duel.says(method, path, { token: owned.token, ...what }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    facts('ca-realm-user-elsewhere', "Another tenant's user, through one's own path"),
    async (duel) => {
      const { user, owner } = await shown(duel)
      const { token } = await duel.operator(['realms:read', 'realms:write'])
      const path = `${usersOf(duel.attackerId)}/${user}`
      return {
        owner,
        attempt: async () =>
          noneMay([
            await duel.says('GET', path, { token }),
            await duel.says('PATCH', path, { token, body: { display_name: 'Mine' } }),
            await duel.says('POST', `${path}/password-reset`, { token }),
            await duel.says('DELETE', path, { token }),
          ]),
      }
    },
  ),
  staged(
    facts('ca-realm-cursor', "The cursor of another tenant's users, in one's own list", 'read'),
    async (duel) => {
      const { token } = await entered(duel, duel.victimId)
      await entered(duel, duel.victimId)
      const first = await duel.ownerSays('GET', `${usersOf(duel.victimId)}?limit=1`, { token })
      const cursor = encodeURIComponent(String(bodyOf(first)['next']))
      const page = (tenant: TenantId) => `${usersOf(tenant)}?limit=1&cursor=${cursor}`
      const second = await duel.ownerSays('GET', page(duel.victimId), { token })
      must(second.status === 200 && second.body !== first.body, 'turn the page with its cursor')
      const reader = await duel.operator(['realms:read'])
      return {
        owner: 'the owner turned a page with its cursor',
        attempt: async () =>
          noneMay([await duel.says('GET', page(duel.attackerId), { token: reader.token })]),
      }
    },
  ),
  staged(facts('ca-realm-tag-older', 'The tag of an older version of a user'), async (duel) => {
    const { path, token, older, owner } = await changedUnderTag(duel)
    return { owner, attempt: () => under(duel, path, token, older) }
  }),
  staged(
    facts('ca-realm-tag-elsewhere', "The tag of one's own user of the same id and revision"),
    async (duel) => {
      const { path, token, user, owner } = await changedUnderTag(duel)
      const own = await entered(duel, duel.attackerId, user)
      const mine = `${usersOf(duel.attackerId)}/${user}`
      const body = { display_name: 'Changed' }
      const same = await duel.ownerSays('PATCH', mine, { token: own.token, body })
      const theirs = await duel.ownerSays('GET', path, { token })
      must(bodyOf(same)['revision'] === bodyOf(theirs)['revision'], 'have a user of that revision')
      return { owner, attempt: () => under(duel, path, token, headerOf(same, 'etag')) }
    },
  ),
  staged(
    facts('ca-realm-of-operators', "The operators' own realm, as if it were a tenant's"),
    async (duel) => {
      const { owner } = await shown(duel)
      const { token } = await duel.operator(['realms:read', 'realms:write'])
      const body = { user_name: 'second-person' }
      const state = () => duel.site.world.users.stateOf(OPERATORS_REALM)
      return {
        owner,
        attempt: async () => {
          const before = state()
          const heard = [
            await duel.says('POST', usersOf(OPERATORS_REALM), { token, body }),
            await duel.says('GET', usersOf(OPERATORS_REALM), { token }),
          ]
          // An answer of 404 after the deed would be no refusal.
          return { ...noneMay(heard), ...(state() === before ? {} : { crossed: true }) }
        },
      }
    },
  ),
]
