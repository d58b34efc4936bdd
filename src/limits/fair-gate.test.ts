import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { SYSTEM_CLOCK } from './count.ts'
import { FairGate } from './fair-gate.ts'
import { HandClock } from './hand-clock.test-support.ts'
import type { Place } from './place.ts'

const [ACME, GLOBEX] = [parseTenantId('acme'), parseTenantId('globex')]
const acme = { tenant: ACME, weight: 1 }
const globex = { tenant: GLOBEX, weight: 1 }

/** A gate whose queue moves only when somebody leaves. */
const openGate = (seats: number, queue = 1_000) =>
  new FairGate({ seats, queue, queueMs: 1e6, clock: new HandClock() })

const enter = (gate: FairGate, entrant: typeof acme, count: number) =>
  Array.from({ length: count }, () => gate.enter(entrant))
const inside = (places: readonly Place[]) => places.filter(({ state }) => state === 'inside')

/** How often each of two greedy tenants is let in, where requests all take as long. */
function turns(weights: readonly [number, number], seats: number, steps: number) {
  const gate = openGate(seats)
  const entrants = [
    { ...acme, weight: weights[0] },
    { ...globex, weight: weights[1] },
  ] as const
  const served: [number, number] = [0, 0]
  const waiting: [Place[], Place[]] = [[], []]
  const working: { place: Place; whose: 0 | 1 }[] = []
  for (let step = 0; step < steps; step += 1) {
    for (const whose of [0, 1] as const) {
      while (waiting[whose].length < 5) waiting[whose].push(gate.enter(entrants[whose]))
      for (const place of inside(waiting[whose])) working.push({ place, whose })
      waiting[whose] = waiting[whose].filter(({ state }) => state === 'waiting')
    }
    const done = working.shift()
    if (done === undefined) continue
    served[done.whose] += 1
    done.place.leave()
  }
  return served
}

describe('a fair gate', () => {
  test('lets in no more than there are seats, and forgets whoever has left, whatever they do', () => {
    const acts = fc.array(
      fc.record({
        tenant: fc.constantFrom('a', 'b', 'c'),
        weight: fc.constantFrom(0.25, 1, 5),
        leaves: fc.nat(3),
      }),
      { maxLength: 120 },
    )
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 6 }), fc.nat(8), acts, (seats, queue, steps) => {
        const gate = openGate(seats, queue)
        const places: Place[] = []
        for (const { tenant, weight, leaves } of steps) {
          places.push(gate.enter({ tenant: parseTenantId(tenant), weight }))
          for (const place of places.splice(0, leaves)) {
            place.leave()
            place.leave()
          }
          assert.ok(gate.inside <= seats && gate.waiting <= queue)
          assert.equal(inside(places).length, gate.inside)
        }
        for (const place of places) place.leave()
        assert.deepEqual([gate.inside, gate.waiting], [0, 0])
        const after = gate.enter(acme)
        assert.equal(after.entry, true)
        after.leave()
      }),
      { numRuns: 300 },
    )
  })

  test('leaves a seat to whoever has none, however many one tenant asks for', () => {
    for (const seats of [2, 3, 9, 100]) {
      const gate = openGate(seats)
      const many = enter(gate, acme, 3 * seats)
      assert.ok(inside(many).length < seats)
      assert.ok(
        inside(many).length >= Math.floor(seats * 0.5),
        `${inside(many).length} of ${seats}`,
      )
      assert.equal(gate.enter(globex).entry, true)
    }
  })

  test('of one seat, whose turn it is has it, and then the other', () => {
    const gate = openGate(1)
    const [first, ...others] = enter(gate, acme, 5)
    const [own] = enter(gate, globex, 1)
    first?.leave()
    assert.equal(own?.state, 'inside')
    own.leave()
    assert.equal(inside(others).length, 1)
  })

  test('divides turns by weight among those who ask for more than there is', () => {
    for (const [weights, share] of [
      [[1, 1], 0.5],
      [[1, 3], 0.25],
      [[2, 8], 0.2],
    ] as const) {
      const [one, other] = turns(weights, 16, 6_000)
      const got = one / (one + other)
      assert.ok(Math.abs(got - share) < 0.05, `${weights.join(' to ')}: ${got} for ${share}`)
    }
  })

  test('one who was not there has no claim to what others got meanwhile, nor they to its', () => {
    const gate = openGate(4)
    let places = enter(gate, acme, 400)
    for (let turn = 0; turn < 200; turn += 1) {
      inside(places)[0]?.leave()
      places = places.filter(({ state }) => state !== 'left')
    }
    const late = enter(gate, globex, 40)
    let served = 0
    for (let turn = 0; turn < 40; turn += 1) {
      const next = inside(late)[0] ?? inside(places)[0]
      if (turn % 2 === 0) next?.leave()
      else inside(places)[0]?.leave()
      served = late.filter(({ state }) => state !== 'waiting').length
    }
    assert.ok(served >= 10 && served <= 30, `${served} of 40`)
  })

  test('when too many wait, those are refused who crowd the queue, and nobody else', () => {
    const gate = openGate(1, 10)
    const crowd = enter(gate, acme, 30)
    const own = enter(gate, globex, 3)
    assert.deepEqual(
      own.map(({ state }) => state),
      ['waiting', 'waiting', 'waiting'],
    )
    assert.equal(crowd.filter(({ state }) => state === 'waiting').length, 7)
    assert.equal(crowd.filter(({ state }) => state === 'refused').length, 22)
  })

  test('whoever weighs less is refused sooner', () => {
    const gate = openGate(1, 12)
    const light = enter(gate, { ...globex, weight: 0.5 }, 30)
    const heavy = enter(gate, acme, 30)
    const waiting = (places: readonly Place[]) =>
      places.filter(({ state }) => state === 'waiting').length
    assert.deepEqual([waiting(light), waiting(heavy)], [4, 8])
  })

  test('whoever has waited for too long is told so, and has no seat afterwards', async () => {
    const gate = new FairGate({ seats: 1, queue: 10, queueMs: 5, clock: SYSTEM_CLOCK })
    const [first, ...late] = enter(gate, acme, 3)
    assert.deepEqual(await Promise.all(late.map(({ entry }) => Promise.resolve(entry))), [
      false,
      false,
    ])
    first?.leave()
    assert.deepEqual([gate.inside, gate.waiting], [0, 0])
  })

  test('whoever goes away while waiting takes no seat', async () => {
    const gate = openGate(1)
    const [first, second, third] = enter(gate, acme, 3)
    second?.leave()
    assert.equal(await second?.entry, false)
    first?.leave()
    assert.equal(await third?.entry, true)
    third?.leave()
    assert.equal(gate.inside, 0)
  })

  test('more seats are filled at once, and fewer are taken from nobody', () => {
    const gate = openGate(4)
    const places = enter(gate, acme, 30)
    const before = inside(places).length
    gate.seats = 20
    assert.ok(inside(places).length > before)
    gate.seats = 2
    const now = inside(places)
    for (const place of now.slice(2)) place.leave()
    assert.equal(gate.inside, 2)
    assert.equal(gate.enter(globex).state, 'waiting')
  })
})
