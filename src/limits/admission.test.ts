import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { Admission } from './admission.ts'
import { HandClock } from './hand-clock.test-support.ts'
import { weightOf } from './plan-weight.ts'

const acme = { tenant: parseTenantId('acme'), weight: 1 }
const globex = { tenant: parseTenantId('globex'), weight: 1 }

const open = (seats = 16, lag = () => 0) => {
  const clock = new HandClock()
  return { clock, admission: new Admission({ seats, queue: 100, queueMs: 1e6, clock, lag }) }
}

describe('admission', () => {
  test('what one upstream has no room for takes no place at another', () => {
    const { admission } = open()
    const calls = Array.from({ length: 40 }, () => admission.call(acme, 'platform slow'))
    assert.ok(calls.some(({ entry }) => entry !== true))
    assert.equal(admission.call(acme, 'platform quick').entry, true)
    assert.equal(admission.call(globex, 'platform slow').entry, true)
  })

  test('two owners’ upstreams of one name are two', () => {
    const { admission } = open()
    for (let n = 0; n < 40; n += 1) admission.call(acme, 'acme crm')
    assert.equal(admission.call(globex, 'globex crm').entry, true)
  })

  test('a place at an upstream is free when the answer begins, and the seat when all has ended', async () => {
    const { admission } = open(1)
    const seat = admission.enter(acme)
    const first = admission.call(acme, 'platform clinic')
    const second = admission.call(globex, 'platform clinic')
    assert.equal(first.entry, true)
    first.begins()
    first.answered(true)
    assert.equal(await second.entry, true)
    const next = admission.enter(globex)
    seat.leave()
    assert.equal(await next.entry, true)
  })

  test('leaving before an answer, after it and twice frees one place', () => {
    const { admission } = open(2)
    const calls = [0, 1].map(() => admission.call(acme, 'platform clinic'))
    for (const call of calls) {
      call.answered(false)
      call.leave()
      call.leave()
    }
    const again = admission.call(acme, 'platform clinic')
    assert.equal(again.entry, true)
    again.leave()
    again.answered(true)
    assert.equal(admission.call(globex, 'platform clinic').entry, true)
  })

  test('a gateway that is late itself does not take it for the upstream', () => {
    let own = 0
    const { admission, clock } = open(64, () => own)
    const rounds = (count: number) => {
      let inside = 0
      for (let round = 0; round < count; round += 1) {
        const calls = Array.from({ length: 40 }, (_, index) =>
          admission.call(index % 2 === 0 ? acme : globex, 'platform clinic'),
        )
        const inNow = calls.filter(({ entry }) => entry === true)
        inside = inNow.length
        for (const call of inNow) call.begins()
        clock.pass(20 + 2 * own)
        for (const call of calls) {
          call.answered(true)
          call.leave()
        }
      }
      return inside
    }
    const before = rounds(100)
    own = 15
    assert.ok(rounds(400) >= before)
  })

  test('an upstream that slows down under load is sent less at once, and is remembered while nothing is asked of it', () => {
    const { admission, clock } = open(64)
    /** Rounds of so many calls at once that all take as long. Returns how many were let in at last. */
    const rounds = (count: number, atOnce: number, ms: (inside: number) => number) => {
      let inside = 0
      for (let round = 0; round < count; round += 1) {
        const calls = Array.from({ length: atOnce }, (_, index) =>
          admission.call(index % 2 === 0 ? acme : globex, 'platform clinic'),
        )
        const inNow = calls.filter(({ entry }) => entry === true)
        inside = inNow.length
        for (const call of inNow) call.begins()
        clock.pass(ms(inside))
        for (const call of inNow) call.answered(true)
        for (const call of calls) call.leave()
      }
      return inside
    }
    rounds(100, 6, () => 20)
    const queueing = (inside: number) => 20 * Math.max(1, inside / 12)
    assert.ok(rounds(400, 60, queueing) < 24)
    assert.ok(rounds(1, 60, queueing) < 24)
  })
})

test('each step of a plan’s priority counts double, and weights are as they are said', () => {
  assert.equal(weightOf(undefined), 1)
  assert.equal(weightOf({}), 1)
  assert.equal(weightOf({ priority: 6 }), 2)
  assert.equal(weightOf({ priority: 4, weight: 10 }), 5)
})
