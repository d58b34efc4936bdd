import { parseSubject } from '../../core/names.ts'
import type { LimitConfig } from '../../contracts/limit.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { accessToken, USER } from '../house/claims.ts'
import type { Door, DoorOptions } from '../house/door.ts'
import { withPlan, withTenant } from '../house/settings.ts'
import { attack, type FrontDoorAttack, type Outcome } from './attack.ts'
import { byPath, call, type Calling, ownerReads } from './calls.ts'

/** What the limit that is attacked allows. */
const LIMIT = 3
const TRIES = LIMIT + 3
/** Seats of a gateway that one tenant would like to have all of, and how many requests it makes. */
const SEATS = 4
const CROWD = 10

const facts = { kind: 'disturbance', references: ['HT-11'] } as const
const rate = (per: LimitConfig['per']): LimitConfig => ({
  kind: 'rate',
  name: 'attacked',
  per,
  requests: LIMIT,
  seconds: 3_600,
})
const quota: LimitConfig = {
  kind: 'quota',
  name: 'attacked',
  per: 'tenant',
  unit: 'requests',
  amount: LIMIT,
  period: 'month',
}

/** Ways to get more than limits allow, or to have others get less. */
export const LIMITS: readonly FrontDoorAttack[] = [
  beyond('fd-limit-quota', 'More requests than are left of a month', quota, () => ({})),
  beyond(
    'fd-limit-methods',
    'More requests than a limit allows, by another method each time',
    rate('tenant'),
    (turn) => ({ method: turn % 2 === 0 ? 'GET' : 'HEAD' }),
  ),
  beyond(
    'fd-limit-address',
    'More requests than an address may make, as if each came from another one',
    rate('address'),
    (turn) => ({
      headers: [
        ['X-Forwarded-For', `192.0.2.${turn}`],
        ['X-Real-IP', `192.0.2.${turn}`],
        ['Forwarded', `for=192.0.2.${turn}`],
      ],
    }),
  ),
  attack(
    {
      ...facts,
      id: 'fd-limit-spent',
      title: 'A request of a tenant that has used up what its plan lets it use',
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const until = new Date(Date.now() + 3_600_000).toISOString()
        const spent = [{ name: 'attacked', meter: 'requests', until, hard: true }]
        const settings = withTenant(house.settings, attacker, { spent })
        const door = await duel.branch({ settings })
        const token = await accessToken(attacker)
        const { status } = await call(wire, door, byPath(attacker), mark, { token })
        const outcome = await victimServed(duel, door)
        const met = `answered ${status}; ${outcome.met}`
        return { crossed: status === 200 || outcome.crossed, met }
      },
    },
  ),
  usedUp(
    'fd-limit-namesake',
    "A user of the same name as the victim's, until that one's limit is used up",
    () => USER,
  ),
  usedUp(
    'fd-limit-joined',
    'A user whose name, put behind its tenant’s, is the same as the victim’s and its user’s',
    ({ attacker, victim }) => {
      const begin = `${attacker.tenant}-`
      const rest = victim.tenant.startsWith(begin) ? `${victim.tenant.slice(begin.length)}-` : ''
      return parseSubject(`${rest}${USER}`)
    },
  ),
  attack(
    {
      ...facts,
      id: 'fd-limit-queue',
      title: 'So many requests that never end that others wait behind them',
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const door = await duel.branch({
          gatewayLimits: {
            concurrent: SEATS,
            concurrentPerTenant: CROWD,
            queue: CROWD,
            queueMs: 50,
          },
        })
        const token = await accessToken(attacker)
        let answered = 0
        const asked = Array.from({ length: CROWD }, () =>
          call(wire, door, byPath(attacker), mark, { token, resource: 'hold' }).then(() => {
            answered += 1
          }),
        )
        const held = () => house.upstream.received(mark).filter(({ open }) => open).length
        // One is left free for whoever comes next: the others are taken, or all of them.
        await door.until(() => held() >= SEATS - 1)
        const outcome = await victimServed(duel, door)
        await door.until(() => held() + answered >= CROWD)
        const taken = held()
        house.upstream.release()
        await Promise.all(asked)
        const met = `${taken} under way of ${SEATS}; ${outcome.met}`
        return { crossed: outcome.crossed || taken > SEATS, met }
      },
    },
  ),
]

/** One limit, and more requests than it allows, each in a way that might not be counted. */
function beyond(
  id: string,
  title: string,
  limit: LimitConfig,
  how: (turn: number) => Calling,
): FrontDoorAttack {
  return attack(
    { ...facts, id, title },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await limited(duel, limit)
        const token = await accessToken(attacker)
        const heard: Heard[] = []
        for (let turn = 0; turn < TRIES; turn += 1) {
          heard.push(await call(wire, door, byPath(attacker), mark, { token, ...how(turn) }))
        }
        const served = heard.filter(({ status }) => status === 200).length
        const outcome = await victimServed(duel, door)
        const met = `${served} served of ${LIMIT}; ${outcome.met}`
        return { crossed: served > LIMIT || outcome.crossed, met }
      },
    },
  )
}

/** A user of the attacker's who uses up its own limit, and means another's. */
function usedUp(
  id: string,
  title: string,
  subject: (duel: Duel) => ReturnType<typeof parseSubject>,
): FrontDoorAttack {
  return attack(
    { ...facts, id, title },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await limited(duel, rate('user'))
        const token = await accessToken(attacker, { subject: subject(duel) })
        for (let turn = 0; turn < TRIES; turn += 1) {
          await call(wire, door, byPath(attacker), mark, { token })
        }
        return victimServed(duel, door)
      },
    },
  )
}

function limited(duel: Duel, limit: LimitConfig): Promise<Door> {
  const options: DoorOptions = { settings: withPlan(duel.house.settings, { limits: [limit] }) }
  return duel.branch(options)
}

/** Whether the victim is served as ever. */
async function victimServed({ victim, own, ownMark }: Duel, door: Door): Promise<Outcome> {
  const token = await accessToken(victim)
  const { status, body } = await call(own, door, byPath(victim), ownMark, { token })
  const served = status === 200 && body.includes(victim.recordCanary)
  return { crossed: !served, met: `the victim is ${served ? '' : 'not '}served` }
}
