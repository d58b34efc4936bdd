import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../core/tenant.ts'
import { HandClock } from './hand-clock.test-support.ts'
import { type Caller, limitId, limitKey } from './limit-key.ts'
import { MemoryStore } from './memory-store.test-support.ts'
import { Reserve, RESERVED_PART_OF_QUOTA, RESERVED_PART_OF_RATE } from './reserve.ts'
import type { SharedSpec } from './shared-store.ts'

const tenant = parseTenantId('acme')
const caller: Caller = { tenant, api: '', home: tenant, client: '', user: '', address: '' }
const KEY = limitKey(limitId({ from: 'plan' }, 'rate', 'shared'), 'tenant', caller)

function open(spec: SharedSpec, replicas: number) {
  const clock = new HandClock()
  const store = new MemoryStore(clock)
  store.replicas = replicas
  const gateways = Array.from({ length: replicas }, () => new Reserve(KEY, spec, store, clock))
  /** One request at one gateway, answered however long the store takes. */
  const ask = async (gateway: number, amount = 1): Promise<boolean> => {
    const taken = gateways[gateway % replicas]?.take(amount)
    if (!(taken instanceof Promise)) return taken?.allowed === true
    while (true) {
      await store.answer()
      const settled = await Promise.race([taken, Promise.resolve(undefined)])
      if (settled !== undefined) return settled.allowed
    }
  }
  return { clock, store, gateways, ask }
}

const steps = fc.array(
  fc.record({
    gateway: fc.nat(5),
    count: fc.integer({ min: 1, max: 12 }),
    wait: fc.double({ min: 0, max: 8, noNaN: true }),
  }),
  { minLength: 1, maxLength: 40 },
)

describe('a rate that gateways share', () => {
  test('is exceeded by no more than what they may have in hand, in any window', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 80 }),
        fc.integer({ min: 1, max: 200 }),
        steps,
        async (replicas, burst, everyMs, asks) => {
          const { clock, ask } = open({ kind: 'rate', everyMs, burst }, replicas)
          const bound = Math.max(burst, 1000 / everyMs) * RESERVED_PART_OF_RATE
          const at: number[] = []
          for (const { gateway, count, wait } of asks) {
            clock.pass(wait * everyMs)
            for (let n = 0; n < count; n += 1) if (await ask(gateway)) at.push(clock.now())
          }
          for (let from = 0; from < at.length; from += 1) {
            for (let to = from; to < at.length; to += 1) {
              const brought = ((at[to] ?? 0) - (at[from] ?? 0)) / everyMs
              assert.ok(to - from + 1 <= burst + brought + bound + 1e-3)
            }
          }
        },
      ),
      { numRuns: 150 },
    )
  })

  test('waits for the store once for many requests', async () => {
    const { store, ask } = open({ kind: 'rate', everyMs: 10, burst: 1_000 }, 2)
    for (let n = 0; n < 400; n += 1) assert.ok(await ask(0))
    assert.ok(store.asked <= 20, `${store.asked}`)
  })

  test('asks for each request where there is room for none too many', async () => {
    const { clock, ask } = open({ kind: 'rate', everyMs: 20_000, burst: 3 }, 2)
    assert.deepEqual(
      [await ask(0), await ask(1), await ask(0), await ask(1)],
      [true, true, true, false],
    )
    clock.pass(20_000)
    assert.deepEqual([await ask(1), await ask(0)], [true, false])
  })

  test('does not ask again for what it knows is used up', async () => {
    const { store, ask } = open({ kind: 'rate', everyMs: 60_000, burst: 2 }, 1)
    await ask(0)
    await ask(0)
    await ask(0)
    const { asked } = store
    for (let n = 0; n < 50; n += 1) assert.equal(await ask(0), false)
    assert.equal(store.asked, asked)
  })

  test('is divided while the store is away, and what was used then is counted when it is back', async () => {
    const { store, ask, clock } = open({ kind: 'rate', everyMs: 1_000_000, burst: 40 }, 4)
    store.away = true
    const alone = async (gateway: number, tries: number) => {
      let served = 0
      for (let n = 0; n < tries; n += 1) if (await ask(gateway)) served += 1
      return served
    }
    assert.deepEqual([await alone(0, 30), await alone(1, 30)], [10, 10])
    store.away = false
    clock.pass(20)
    let served = 0
    for (const tries of [1, 40]) {
      for (const gateway of [0, 1, 2, 3]) served += await alone(gateway, tries)
    }
    assert.ok(served <= 20, `${served}`)
  })
})

describe('a quota that gateways share', () => {
  const quota = (amount: number): SharedSpec => ({ kind: 'quota', amount, period: 'day' })

  test('is not exceeded, whichever of them is asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 60 }),
        fc.array(fc.nat(3), { maxLength: 90 }),
        async (replicas, amount, asks) => {
          const { ask } = open(quota(amount), replicas)
          let served = 0
          for (const gateway of asks) if (await ask(gateway)) served += 1
          assert.equal(served, Math.min(amount, asks.length))
        },
      ),
      { numRuns: 100 },
    )
  })

  test('loses to a gateway that is killed no more than what that one had in hand', async () => {
    const amount = 10_000
    const { ask, gateways } = open(quota(amount), 2)
    for (let n = 0; n < 30; n += 1) await ask(0)
    let served = 30
    // The first is never asked again, as if it were gone.
    gateways[0] = gateways[1] ?? assert.fail()
    while (await ask(1)) served += 1
    assert.ok(served >= amount * (1 - RESERVED_PART_OF_QUOTA), `${served}`)
    assert.ok(served <= amount)
  })

  test('gets back what a gateway has in hand when it closes', async () => {
    const { ask, gateways, store } = open(quota(10_000), 2)
    for (let n = 0; n < 30; n += 1) await ask(0)
    const closing = gateways[0]?.close()
    for (let turn = 0; turn < 3; turn += 1) await store.answer()
    await closing
    let served = 30
    while (await ask(1)) served += 1
    assert.equal(served, 10_000)
  })

  test('counts what is known only afterwards, and is used up by it for all', async () => {
    const { ask, gateways, store } = open(quota(1_000), 2)
    assert.ok(await ask(0, 0))
    gateways[0]?.settle(5_000)
    await store.answer()
    await store.answer()
    await ask(1, 0)
    await store.answer()
    assert.equal(gateways[1]?.look(1).allowed, false)
    assert.equal(gateways[0]?.look(1).allowed, false)
  })

  test('begins anew with its period, and what was in hand of the last one is gone', async () => {
    const { ask, clock } = open(quota(300), 2)
    while (await ask(0));
    clock.pass(86_400_000)
    let served = 0
    for (let n = 0; n < 800; n += 1) if (await ask(n)) served += 1
    assert.equal(served, 300)
  })
})
