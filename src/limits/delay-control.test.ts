import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseTenantId } from '../core/tenant.ts'
import { DelayControl } from './delay-control.ts'

const TENANTS = ['a', 'b', 'c', 'd', 'e'].map(parseTenantId)

interface Load {
  /** Requests that want in. */
  readonly demand: number
  /** What the upstream does at once; more than that queue there. */
  readonly capacity: number
  readonly serviceMs: number
  /** How many times as long each tenant's calls take. Default 1. */
  readonly factors?: readonly number[]
}

/** Runs an upstream with a queue behind a limit, by Little's law. Returns the limits on the way. */
function run(control: DelayControl, seconds: number, load: Load, from = 0): number[] {
  const limits: number[] = []
  let now = from
  for (const end = from + seconds * 1000; now < end; ) {
    const inside = Math.min(load.demand, Math.max(1, Math.floor(control.limit * 0.9)))
    const ms = load.serviceMs * Math.max(1, inside / load.capacity)
    const perMs = Math.min(inside, load.capacity) / load.serviceMs
    for (const [index, tenant] of TENANTS.entries()) {
      const crowd = { inside, waiting: load.demand - inside }
      control.answered(tenant, ms * (load.factors?.[index] ?? 1), crowd, now)
    }
    now += TENANTS.length / perMs
    limits.push(control.limit)
  }
  return limits
}

const last = (limits: readonly number[], count = 200) => limits.slice(-count)

describe('the limit of an upstream', () => {
  test('comes down to what the upstream does at once, and stays there', () => {
    const control = new DelayControl({ min: 8, max: 1_000 })
    run(control, 5, { demand: 10, capacity: 32, serviceMs: 50 })
    const limits = run(control, 60, { demand: 500, capacity: 32, serviceMs: 50 }, 5_000)
    for (const limit of last(limits, 2_000)) assert.ok(limit >= 25 && limit <= 45, `${limit}`)
  })

  test('rises to what the upstream does at once, where that is more than it began with', () => {
    const control = new DelayControl({ min: 8, max: 1_000 })
    const limits = run(control, 60, { demand: 900, capacity: 400, serviceMs: 50 })
    const median = last(limits, 2_000).toSorted((a, b) => a - b)[1_000] ?? 0
    assert.ok(median > 300 && median < 560, `${median}`)
  })

  test('is left alone by what takes long and is usual', () => {
    const control = new DelayControl({ min: 8, max: 1_000 })
    const limits = run(control, 20, { demand: 40, capacity: 500, serviceMs: 3_000 })
    assert.ok((limits.at(-1) ?? 0) >= 64)
  })

  test('is not moved by one tenant whose calls begin to take long', () => {
    const control = new DelayControl({ min: 8, max: 1_000 })
    const load = { demand: 40, capacity: 500, serviceMs: 20 }
    const before = run(control, 10, load).at(-1) ?? 0
    const limits = run(control, 20, { ...load, factors: [50, 1, 1, 1, 1] }, 10_000)
    assert.ok(Math.min(...limits) >= before)
  })

  test('comes back when all that there is takes longer from now on', () => {
    const control = new DelayControl({ min: 8, max: 1_000 })
    run(control, 10, { demand: 60, capacity: 500, serviceMs: 20 })
    const limits = run(control, 120, { demand: 60, capacity: 500, serviceMs: 60 }, 10_000)
    assert.ok((limits.at(-1) ?? 0) >= 60, `${limits.at(-1)}`)
  })

  test('keeps between what it may be at least and at most', () => {
    const control = new DelayControl({ min: 8, max: 20 })
    const limits = [
      ...run(control, 10, { demand: 500, capacity: 500, serviceMs: 10 }),
      ...run(control, 30, { demand: 500, capacity: 1, serviceMs: 10 }, 10_000),
    ]
    for (const limit of limits) assert.ok(limit >= 8 && limit <= 20)
  })
})
