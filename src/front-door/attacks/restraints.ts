import type { TenantConfig } from '../../snapshot/snapshot.ts'
import type { Access } from '../../tokens/access-token.ts'
import type { Duel } from '../duel.ts'
import type { Door } from '../house/door.ts'
import { delegatedToken, GRANT, grantFor, momentIn } from '../house/grants.ts'
import { withTenant } from '../house/settings.ts'
import { type FrontDoorAttack, must, staged } from './attack.ts'
import { byPath, call } from './calls.ts'

type Restraints = NonNullable<TenantConfig['restraints']>

/** Calls in five minutes, of which a minute's may come at once, and how many are tried. */
const LIMIT = 10
const AT_ONCE = 2
const TRIES = AT_ONCE + 3

const MINUTE_MS = 60_000
/** A while ago, in whole seconds. */
const ago = (ms: number) => new Date(Math.floor((Date.now() - ms) / 1000) * 1000)
const restraint = () => ({ grant: GRANT, until: momentIn(MINUTE_MS) })

/**
 * A principal of the attacker goes on as before under a grant on which detectors have put something. The
 * owner works under one of the attacker's on which nothing is, or has done what is asked for.
 */
function goesOn(
  facts: Pick<FrontDoorAttack, 'id' | 'title'>,
  restraints: () => Restraints,
  access: (turn: number) => Partial<Access>,
  allowed: number,
): FrontDoorAttack {
  return staged({ kind: 'read', references: ['JW-11'], ...facts }, async (duel) => {
    const { attacker, victim, own, ownMark } = duel
    // What is let through is the grant's: how often is the question then, and not who saw it.
    const [wire, mark] = allowed === 0 ? [duel.wire, duel.mark] : [own, ownMark]
    const door = await doorOf(duel, restraints())
    const token = await delegatedToken(attacker, victim, { authenticatedAt: ago(0) })
    const good = await call(own, door, byPath(attacker), ownMark, { token })
    must(good.status === 200, 'read under a grant')
    return {
      owner: 'whoever does what is asked for works under a grant of the same name',
      async attempt() {
        let served = 0
        for (let turn = 0; turn < TRIES; turn += 1) {
          const bad = await delegatedToken(victim, attacker, access(turn))
          const { status } = await call(wire, door, byPath(victim), mark, { token: bad })
          if (status === 200) served += 1
        }
        return { crossed: served > allowed, met: `${served} of ${TRIES} calls were served` }
      },
    }
  })
}

function doorOf(duel: Duel, restraints: Restraints): Promise<Door> {
  const { house, attacker, victim } = duel
  const owners = withTenant(house.settings, attacker, {
    grants: [grantFor(victim)],
    restraints: [],
  })
  const settings = withTenant(owners, victim, { grants: [grantFor(attacker)], restraints })
  return duel.branch({ settings })
}

/** Ways on under a grant that detectors have restrained for a while. */
export const RESTRAINTS: readonly FrontDoorAttack[] = [
  goesOn(
    {
      id: 'fd-grant-limited',
      title:
        'More calls under a grant than it is limited to, by another token and client each time',
    },
    () => [{ kind: 'limit', ...restraint(), requests: LIMIT }],
    (turn) => ({ client: `client-${turn}` }),
    AT_ONCE,
  ),
  goesOn(
    {
      id: 'fd-grant-challenged',
      title: 'A new token of an old sign-in, where the grant was challenged since',
    },
    () => [{ kind: 'challenge', ...restraint(), since: momentIn(-MINUTE_MS) }],
    (turn) => (turn % 2 === 0 ? {} : { authenticatedAt: ago(2 * MINUTE_MS) }),
    0,
  ),
]
