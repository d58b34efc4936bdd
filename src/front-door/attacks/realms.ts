import { OPERATORS_REALM } from '../../core/operators-realm.ts'
import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims, type Claims } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { tenantOf, withTenant } from '../house/settings.ts'
import { Wire } from '../../strikes/wire.ts'
import { attack, type FrontDoorAttack, must, type Outcome, staged, statusesOf } from './attack.ts'
import { bothWays, byPath, call, ownerReads } from './calls.ts'

/**
 * Two tenants that use one identity provider, which signs for both with one key: nothing but issuer
 * and tenant part them then.
 */
function sharedKeyDoor(duel: Duel): Promise<Door> {
  const { attacker, victim, ground, house } = duel
  const shared = ground.keys.stranger.publicJwk
  const settings = [attacker, victim].reduce(
    (before, party) => withTenant(before, party, { keys: [party.realm.publicJwk, shared] }),
    house.settings,
  )
  return duel.branch({ settings })
}

function sharedKeyAttack(
  facts: { readonly id: string; readonly title: string },
  claims: (duel: Duel) => Claims,
): FrontDoorAttack {
  return staged({ kind: 'read', references: ['JW-5', 'JW-6'], ...facts }, async (duel) => {
    const door = await sharedKeyDoor(duel)
    const { stranger } = duel.ground.keys
    return {
      owner: await ownerReads(duel, door),
      attempt: () => {
        const payload = accessClaims(duel.victim, claims(duel))
        return present(duel, door, forge(stranger, headerOf(stranger, ACCESS_TYP), payload))
      },
    }
  })
}

/** Realms whose keys are shared, replaced, or gone. */
export const REALMS: readonly FrontDoorAttack[] = [
  sharedKeyAttack(
    {
      id: 'fd-realm-shared-key-issuer',
      title: 'One provider signs for two realms: a token of the own issuer that names the victim',
    },
    ({ attacker }) => ({ iss: attacker.issuer }),
  ),
  sharedKeyAttack(
    {
      id: 'fd-realm-shared-key-tenant',
      title: "One provider signs for two realms: a token of the victim's issuer for the own tenant",
    },
    ({ attacker }) => ({ tenant_id: attacker.tenant }),
  ),
  attack(
    {
      id: 'fd-realm-lost-key',
      title: "A key that the victim's realm had before",
      kind: 'read',
      references: ['JW-10'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { lost } = duel.victim
        const token = forge(lost, headerOf(lost, ACCESS_TYP), accessClaims(duel.victim))
        return present(duel, duel.door, token)
      },
    },
  ),
  attack(
    {
      id: 'fd-realm-of-operators',
      title: "An operator who signed in at the operators' realm, at a tenant's door",
      kind: 'read',
      references: ['JW-5', 'JW-6'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { victim, ground } = duel
        const key = ground.keys.operators
        const own = `https://id.front-door.test/realms/${OPERATORS_REALM}`
        const changes: readonly Claims[] = [
          { iss: own, tenant_id: OPERATORS_REALM },
          { iss: own },
          { tenant_id: OPERATORS_REALM },
          {},
        ]
        const outcomes: Outcome[] = []
        for (const one of changes) {
          const payload = accessClaims(victim, { roles: ['security'], ...one })
          const token = forge(key, headerOf(key, ACCESS_TYP), payload)
          outcomes.push(await present(duel, duel.door, token))
        }
        return { crossed: duel.reached, met: outcomes.map(({ met }) => met).join(', ') }
      },
    },
  ),
  replacement({
    id: 'fd-realm-replaced-key',
    title: 'A stolen key that worked, the moment after it was replaced',
    replace: async (door, duel) => door.feed.publish({ tenants: [tenantOf(duel.victim)] }),
  }),
  replacement({
    id: 'fd-realm-removed-tenant',
    title: 'A stolen key of a tenant that was removed and taken in anew under its name',
    async replace(door, duel) {
      await door.feed.publish({ removed: [duel.victim.tenant] })
      return door.feed.publish({ tenants: [tenantOf(duel.victim)] })
    },
  }),
]

/** The attacker has a key of the victim's realm, and a token by it that was accepted a moment ago. */
function replacement(facts: {
  readonly id: string
  readonly title: string
  readonly replace: (door: Door, duel: Duel) => Promise<number>
}): FrontDoorAttack {
  const { id, title, replace } = facts
  return staged({ id, title, kind: 'read', references: ['JW-10', 'JW-12'] }, async (duel) => {
    const { victim, house, ownMark } = duel
    const keys = [victim.lost.publicJwk]
    const door = await duel.branch({ settings: withTenant(house.settings, victim, { keys }) })
    const token = forge(victim.lost, headerOf(victim.lost, ACCESS_TYP), accessClaims(victim))
    const before = await call(new Wire(), door, byPath(victim), ownMark, { token })
    must(before.body.includes(victim.recordCanary), 'be served by its former key')
    must(await door.sees(() => replace(door, duel)), 'replace its key')
    return { owner: await ownerReads(duel, door), attempt: () => present(duel, door, token) }
  })
}

/** Shows a token at the victim's routes. */
async function present(duel: Duel, door: Door, token: string): Promise<Outcome> {
  const heard = await Promise.all(
    bothWays(duel.victim).map((way) => call(duel.wire, door, way, duel.mark, { token })),
  )
  return { crossed: duel.reached, met: statusesOf(heard) }
}
