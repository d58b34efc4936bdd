import { setImmediate } from 'node:timers/promises'
import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims, accessToken, assertionOf, contextFor } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { withPlan } from '../house/settings.ts'
import { attack, type FrontDoorAttack, must, type Outcome, statusesOf } from './attack.ts'
import { byPath, call, ownerGetsLease, ownerReads, vend } from './calls.ts'

/** Requests a minute in the plan of all tenants, where the plan is what is attacked. */
const PLAN = 5
const SEATS = 6
const SEATS_PER_TENANT = 3
const BODY_BYTES_MAX = 2_000
/** Leases that vending opens at once. */
const PLACES = 4
const ASKING = 8
const WORKLOAD_PER_MINUTE = 6

/** What one tenant uses up so that another goes without. */
export const LOAD: readonly FrontDoorAttack[] = [
  attack(
    {
      id: 'fd-load-plan',
      title: 'More requests than the plan allows, until nobody is served any more',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark } = duel
        const door = await planDoor(duel)
        const token = await accessToken(attacker)
        const heard = []
        for (let turn = 0; turn < PLAN + 3; turn += 1) {
          heard.push(await call(wire, door, byPath(attacker), mark, { token }))
        }
        const served = heard.filter(({ status }) => status === 200).length
        return afterwards(duel, door, served > PLAN, `${served} served of ${PLAN}`)
      },
    },
  ),
  attack(
    {
      id: 'fd-load-strangers',
      title: "Requests without a good token at the victim's route, until its plan is used up",
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, victim, wire, mark } = duel
        const door = await planDoor(duel)
        const { realm } = attacker
        const tokens = [
          await accessToken(attacker),
          forge(realm, headerOf(realm, ACCESS_TYP), accessClaims(victim)),
          undefined,
        ]
        const heard = []
        for (let turn = 0; turn < PLAN * 2; turn += 1) {
          const token = tokens[turn % tokens.length]
          heard.push(await call(wire, door, byPath(victim), mark, { token }))
        }
        return afterwards(duel, door, duel.reached, statusesOf(heard))
      },
    },
  ),
  attack(
    {
      id: 'fd-load-seats',
      title: 'Requests that never end, until there is no room for another',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const gatewayLimits = { concurrent: SEATS, concurrentPerTenant: SEATS_PER_TENANT }
        const door = await duel.branch({ gatewayLimits })
        const token = await accessToken(attacker)
        let answered = 0
        const asked = Array.from({ length: SEATS }, () =>
          call(wire, door, byPath(attacker), mark, { token, resource: 'hold' }).then(() => {
            answered += 1
          }),
        )
        const held = () => house.upstream.received(mark).filter(({ open }) => open).length
        await door.until(() => held() + answered >= SEATS)
        const taken = held()
        const outcome = await afterwards(
          duel,
          door,
          taken > SEATS_PER_TENANT,
          `${taken} seats of ${SEATS_PER_TENANT}`,
        )
        house.upstream.release()
        await Promise.all(asked)
        return outcome
      },
    },
  ),
  attack(
    {
      id: 'fd-load-body',
      title: 'A body that is larger than any may be, with and without saying so',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: (duel) => ownerReads(duel),
      async attempt(duel) {
        const { attacker, wire, mark, house } = duel
        const door = await duel.branch({ gatewayLimits: { bodyBytesMax: BODY_BYTES_MAX } })
        const token = await accessToken(attacker)
        const body = 'x'.repeat(BODY_BYTES_MAX * 4)
        const chunked = {
          headers: [['Transfer-Encoding', 'chunked']] as const,
          body: `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
        }
        const heard = []
        for (const how of [{ body }, chunked]) {
          heard.push(
            await call(wire, door, byPath(attacker), mark, { token, method: 'POST', ...how }),
          )
        }
        const bytes = Math.max(0, ...house.upstream.received(mark).map((one) => one.bytes))
        const over = bytes > BODY_BYTES_MAX
        return afterwards(duel, door, over, `${statusesOf(heard)}, ${bytes} bytes came through`)
      },
    },
  ),
  attack(
    {
      id: 'fd-load-leases',
      title: 'More leases a minute than the plan allows, until nobody gets any',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { ground, attacker, house, wire } = duel
        const settings = withPlan(house.settings, { leasesPerMinute: PLAN })
        const door = await duel.branch({ settings })
        const subject_token = await contextFor(ground, attacker)
        let granted = 0
        for (let turn = 0; turn < PLAN + 3; turn += 1) {
          if ((await vend(wire, door, { fields: { subject_token } })).granted) granted += 1
        }
        return victimLeases(duel, door, granted > PLAN, `${granted} granted of ${PLAN}`)
      },
    },
  ),
  attack(
    {
      id: 'fd-load-workload',
      title: 'More requests than a workload may make, until no other gets through',
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { ground, attacker, wire } = duel
        const vendingLimits = { workloadPerMinute: WORKLOAD_PER_MINUTE }
        const door = await duel.branch({ vendingLimits })
        const subject_token = await contextFor(ground, attacker)
        let granted = 0
        for (let turn = 0; turn < WORKLOAD_PER_MINUTE + 3; turn += 1) {
          const client_assertion = assertionOf(ground.workloads.report)
          const fields = { subject_token, client_assertion }
          if ((await vend(wire, door, { fields })).granted) granted += 1
        }
        const over = granted > WORKLOAD_PER_MINUTE
        return victimLeases(duel, door, over, `${granted} granted of ${WORKLOAD_PER_MINUTE}`)
      },
    },
  ),
  attack(
    {
      id: 'fd-load-places',
      title: "Leases at an engine that hangs, until vending has no place for another tenant's",
      kind: 'disturbance',
      references: ['HT-11'],
    },
    {
      owner: ownerGetsLease,
      async attempt(duel) {
        const { ground, attacker, wire } = duel
        let checked = 0
        const door = await duel.branch({
          vendingLimits: { atOnce: PLACES },
          onChecked: () => {
            checked += 1
          },
        })
        const letGo = door.ledger.hold(attacker.tenant)
        const subject_token = await contextFor(ground, attacker)
        const asked = Array.from({ length: ASKING }, (_, index) =>
          vend(wire, door, { fields: { subject_token, lease_seconds: String(100 + index) } }),
        )
        await door.until(() => checked >= ASKING)
        // Those that passed the checks are at the engine, or wait for their turn, a few steps later.
        for (let step = 0; step < 5; step += 1) await setImmediate()
        const held = door.ledger.waiting(attacker.tenant)
        const outcome =
          held >= PLACES
            ? { crossed: true, met: `it holds all ${PLACES} places` }
            : await victimLeases(duel, door, false, `it holds ${held} of ${PLACES} places`)
        letGo()
        await Promise.all(asked)
        return outcome
      },
    },
  ),
]

function planDoor(duel: Duel): Promise<Door> {
  return duel.branch({ settings: withPlan(duel.house.settings, { requestsPerMinute: PLAN }) })
}

/** Whether the victim is served as ever. */
async function afterwards(
  { victim, own, ownMark }: Duel,
  door: Door,
  crossed: boolean,
  met: string,
): Promise<Outcome> {
  const token = await accessToken(victim)
  const { status, body } = await call(own, door, byPath(victim), ownMark, { token })
  const served = status === 200 && body.includes(victim.recordCanary)
  return { crossed: crossed || !served, met: `${met}; the victim is ${served ? '' : 'not '}served` }
}

/** Whether the victim gets a lease as ever. */
async function victimLeases(
  duel: Duel,
  door: Door,
  crossed: boolean,
  met: string,
): Promise<Outcome> {
  const { ground, victim, own, kept } = duel
  const subject_token = await contextFor(ground, victim)
  const { granted, leaseId } = await vend(own, door, { fields: { subject_token } })
  must(!granted || leaseId !== '', 'read its lease')
  kept.add(leaseId)
  return {
    crossed: crossed || !granted,
    met: `${met}; the victim ${granted ? 'gets its lease' : 'gets none'}`,
  }
}
