import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { DenialThrottle } from '../audit/denial-throttle.ts'
import { FairGate } from './fair-gate.ts'
import { limitHeaders, Limits } from './limits.ts'

describe('limits', () => {
  test('let exactly as many through as there are, for each key on its own', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 10 }),
        fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 40 }),
        async (perMinute, keys) => {
          const limits = new Limits()
          const passed = new Map<string, number>()
          const states = await Promise.all(keys.map((key) => limits.take('t', key, perMinute)))
          for (const [index, { exceeded }] of states.entries()) {
            const key = keys[index] ?? ''
            if (!exceeded) passed.set(key, (passed.get(key) ?? 0) + 1)
          }
          for (const key of new Set(keys)) {
            const asked = keys.filter((one) => one === key).length
            assert.equal(passed.get(key) ?? 0, Math.min(asked, perMinute))
          }
        },
      ),
    )
  })

  test('of a tenant and of a workload with one name are two', async () => {
    const limits = new Limits()
    await limits.take('tenant', 'x', 1)
    assert.equal((await limits.take('workload', 'x', 1)).exceeded, false)
    assert.equal((await limits.take('tenant', 'x', 1)).exceeded, true)
  })

  test('say what is left in the fields of the draft', async () => {
    const state = { name: 'tenant', limit: 5, remaining: 4, resetSeconds: 60, exceeded: false }
    assert.deepEqual(limitHeaders([state, { ...state, name: 'workload' }]), {
      'ratelimit-policy': '"tenant";q=5;w=60, "workload";q=5;w=60',
      ratelimit: '"tenant";r=4;t=60, "workload";r=4;t=60',
    })
    assert.deepEqual(limitHeaders([]), {})
  })
})

describe('the gate', () => {
  test('lets no more in at once than it may, and everybody who waits comes in', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), fails: fc.boolean() }), {
          maxLength: 30,
        }),
        async (atOnce, calls) => {
          const gate = new FairGate({ atOnce, waitingPerKey: 100 })
          let inside = 0
          let most = 0
          const results = await Promise.allSettled(
            calls.map(({ key, fails }) =>
              gate.run(key, async () => {
                inside += 1
                most = Math.max(most, inside)
                await Promise.resolve()
                inside -= 1
                if (fails) throw new Error('work')
              }),
            ),
          )
          assert.ok(most <= atOnce)
          assert.equal(inside, 0)
          assert.deepEqual(
            results.map(({ status }) => status === 'rejected'),
            calls.map(({ fails }) => fails),
          )
        },
      ),
    )
  })

  test('lets keys take turns: one request does not wait behind a crowd of another’s', async () => {
    const gate = new FairGate({ atOnce: 1, waitingPerKey: 100 })
    const order: string[] = []
    const enter = (key: string) =>
      gate.run(key, async () => {
        order.push(key)
        await Promise.resolve()
      })
    await Promise.all([...Array.from({ length: 20 }, () => enter('crowd')), enter('one')])
    assert.ok(order.indexOf('one') <= 2, order.join(' '))
  })

  test('never gives one key all places, and gives a free one to whoever may have it', async () => {
    const gate = new FairGate({ atOnce: 4, waitingPerKey: 100 })
    const { promise: hanging, resolve } = Promise.withResolvers<void>()
    let inside = 0
    const crowd = Array.from({ length: 8 }, () =>
      gate.run('crowd', async () => {
        inside += 1
        await hanging
      }),
    )
    await Promise.all([1, 2, 3].map((turn) => gate.run(`other-${turn}`, async () => {})))
    assert.equal(inside, 2)
    resolve()
    await Promise.all(crowd)
    assert.equal(inside, 8)
  })

  test('refuses a key more waiting places than it may have, and no other key', async () => {
    const gate = new FairGate({ atOnce: 1, waitingPerKey: 2 })
    const { promise, resolve } = Promise.withResolvers<void>()
    const inside = [gate.run('a', () => promise)]
    for (let turn = 0; turn < 2; turn += 1) inside.push(gate.run('a', async () => {}))
    await assert.rejects(
      gate.run('a', async () => {}),
      { code: 'overloaded' },
    )
    inside.push(gate.run('b', async () => {}))
    resolve()
    await Promise.all(inside)
  })
})

describe('denials of unknown callers', () => {
  test('are written up to a number, and the others are counted in the minute after', () => {
    let now = 0
    const throttle = new DenialThrottle(2, () => now)
    const written = Array.from({ length: 5 }, () => throttle.next())
    assert.deepEqual(
      written.map(({ write }) => write),
      [true, true, false, false, false],
    )
    now = 60_000
    assert.deepEqual(throttle.next(), { write: true, uncounted: 3 })
    assert.deepEqual(throttle.next(), { write: true, uncounted: 0 })
  })
})
