import { accessToken } from '../house/claims.ts'
import { tenantOf, withTenant } from '../house/settings.ts'
import { attack, type FrontDoorAttack, must, statusesOf } from './attack.ts'
import { bothWays, byPath, call, ownerReads } from './calls.ts'

/** A tenant that the platform serves no more. */
export const SUSPENSION: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-suspended-token',
      title: 'A suspended tenant goes on with a token from before, which the gateway remembers',
      kind: 'read',
      references: ['JW-12'],
    },
    {
      async owner(duel) {
        return ownerReads(duel)
      },
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await duel.branch({})
        const token = await accessToken(attacker)
        const before = await call(wire, door, byPath(attacker), duel.ownMark, { token })
        must(before.status === 200, 'be served before')
        const suspended = tenantOf(attacker, { status: 'suspended' })
        await door.sees(() => door.feed.publish({ tenants: [suspended] }))
        const heard = await Promise.all(
          bothWays(attacker).map((way) => call(wire, door, way, mark, { token })),
        )
        return { crossed: duel.reached, met: `after the suspension: ${statusesOf(heard)}` }
      },
    },
  ),
  attack(
    {
      id: 'fd-paused-write',
      title: 'Writes of a tenant whose data is being moved, also in the disguise of a GET',
      kind: 'write',
      references: ['HT-8'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const settings = withTenant(house.settings, attacker, { status: 'paused' })
        const door = await duel.branch({ settings })
        const token = await accessToken(attacker)
        const read = await call(wire, door, byPath(attacker), duel.ownMark, { token })
        must(read.status === 200, 'read during the pause')
        const method = 'POST'
        const heard = await Promise.all(
          bothWays(attacker).map((way) =>
            call(wire, door, way, mark, { token, method, body: 'x' }),
          ),
        )
        return { crossed: duel.reached, met: `writes: ${statusesOf(heard)}` }
      },
    },
  ),
]
