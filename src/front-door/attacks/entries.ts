import { RingfenceError } from '../../core/errors.ts'
import { accessToken } from '../house/claims.ts'
import { withAllEntered } from '../house/settings.ts'
import { attack, type FrontDoorAttack, statusesOf } from './attack.ts'
import { bothWays, call, ownerReads } from './calls.ts'

const KEPT = { write: () => Promise.resolve() }
const FULL = {
  write: () => Promise.reject(new RingfenceError('not_writable', 'the disk is full')),
}

/** To do what leaves no entry. */
export const ENTRIES: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-audit-unwritable',
      title: 'Requests that must be entered in the audit log, while the disk for it is full',
      kind: 'write',
      references: ['HT-9'],
    },
    {
      async owner(duel) {
        const settings = withAllEntered(duel.house.settings)
        return ownerReads(duel, await duel.branch({ settings, audit: KEPT }))
      },
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await duel.branch({
          settings: withAllEntered(duel.house.settings),
          audit: FULL,
        })
        const token = await accessToken(attacker)
        const heard = []
        for (const way of bothWays(attacker)) {
          for (const method of ['GET', 'POST']) {
            heard.push(await call(wire, door, way, mark, { token, method }))
          }
        }
        return { crossed: duel.reached, met: `${heard.length} requests: ${statusesOf(heard)}` }
      },
    },
  ),
]
