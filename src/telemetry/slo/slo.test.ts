import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AlertSignalInput } from '../../alerts/alert.ts'
import { parsePlanName } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { MergedCounts } from '../counts.ts'
import { Histogram } from '../metrics/histogram.ts'
import { CountSeries } from './count-series.ts'
import { sloSchema, slosSchema } from './slo.ts'
import { SloWatch } from './slo-watch.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const START = Date.UTC(2026, 5, 1)
const acme = parseTenantId('acme')
const globex = parseTenantId('globex')
const standard = parsePlanName('standard')
const available = sloSchema.parse({ name: 'available', percent: 99.9, tellTenant: true })

describe('a series of counts', () => {
  test('says of any window what rose in it, to the minute or, long ago, to the hour', () => {
    const risen = fc.array(fc.nat({ max: 50 }), { minLength: 2, maxLength: 900, size: 'max' })
    fc.assert(
      fc.property(risen, fc.nat({ max: 12 * 60 }), (rises, minutes) => {
        const series = new CountSeries(30 * 24 * HOUR)
        let total = 1_000
        for (const [index, rise] of rises.entries()) {
          total += index === 0 ? 0 : rise
          series.add(START + index * MINUTE, { total, bad: Math.floor(total / 2) })
        }
        const now = START + (rises.length - 1) * MINUTE
        const exact = (from: number) =>
          rises.slice(Math.max(1, from)).reduce((sum, rise) => sum + rise, 0)
        const first = rises.length - minutes
        const { total: said } = series.within(now, minutes * MINUTE)
        const far = minutes >= 6 * 60 ? 60 : 0
        assert.ok(said >= exact(first) && said <= exact(first - far), `${said}`)
      }),
      { numRuns: 100 },
    )
  })

  test('is not thrown back by a counter that begins again', () => {
    const series = new CountSeries(24 * HOUR)
    for (const [minute, total] of [500, 600, 20, 50].entries()) {
      series.add(START + minute * MINUTE, { total, bad: 0 })
    }
    assert.equal(series.within(START + 3 * MINUTE, HOUR).total, 150)
  })

  test('keeps little, however long it goes on', () => {
    const series = new CountSeries(30 * 24 * HOUR)
    for (let minute = 0; minute < 40 * 24 * 60; minute += 1) {
      series.add(START + minute * MINUTE, { total: minute, bad: 0 })
    }
    assert.ok(series.length < 1_300, String(series.length))
    const idle = new CountSeries(30 * 24 * HOUR)
    for (let minute = 0; minute < 1_000; minute += 1) {
      idle.add(START + minute * MINUTE, { total: 7, bad: 0 })
    }
    assert.ok(idle.length <= 2)
  })
})

/** A platform whose tenants fare as they are told, minute by minute. */
class Simulation {
  readonly signals: AlertSignalInput[] = []
  readonly #counts = new MergedCounts('gateway')
  readonly #tenants = new Map<TenantId, { requests: number; failed: number; slow: number }>()
  readonly watch: SloWatch
  now = START

  constructor(slos = [available]) {
    this.watch = new SloWatch({
      slos,
      tenants: () => [...this.#tenants.keys()].map((id) => ({ id, plan: standard })),
      counts: { gateway: this.#counts },
      alerts: { signal: async (signal) => void this.signals.push(signal) },
      log: assert.fail,
    })
  }

  /** @param part how large a part of 600 requests a minute is bad */
  async run(minutes: number, part: Readonly<Record<string, number>>, slow = false): Promise<void> {
    for (let minute = 0; minute < minutes; minute += 1) {
      for (const [name, bad] of Object.entries(part)) {
        const id = parseTenantId(name)
        const one = this.#tenants.get(id) ?? { requests: 0, failed: 0, slow: 0 }
        one.requests += 600
        one[slow ? 'slow' : 'failed'] += 600 * bad
        this.#tenants.set(id, one)
      }
      this.#counts.hear(this.#said())
      this.now += MINUTE
      await this.watch.look(this.now)
    }
  }

  #said() {
    const tenants = [...this.#tenants].map(([tenant, { requests, failed, slow }]) => {
      const [fast, late] = [new Histogram(), new Histogram()]
      fast.record(1_000)
      late.record(900_000)
      const [quick = 0] = fast.sparse().buckets
      const [tardy = 0] = late.sparse().buckets
      const buckets = [quick, requests - Math.round(slow), tardy, Math.round(slow)]
      return { tenant, requests, failed: Math.round(failed), durations: { sum: 0, buckets } }
    })
    return { plane: 'gateway', instance: 'one', tenants }
  }

  /** Who is told of which window, as it stands. */
  firing(): string[] {
    const state = new Map<string, boolean>()
    for (const { tenant, labels, state: now } of this.signals) {
      const whose = typeof tenant === 'string' ? tenant : `platform about ${labels?.['tenant']}`
      state.set(`${labels?.['window']} to ${whose}`, now === 'firing')
    }
    return [...state].flatMap(([text, fires]) => (fires ? [text] : [])).toSorted()
  }
}

describe('an objective of 99.9 %', () => {
  test('says nothing of a tenant that is within it', async () => {
    const simulation = new Simulation()
    await simulation.run(8 * 60, { acme: 0.0008, globex: 0 })
    assert.deepEqual(simulation.signals, [])
    const [standing] = simulation.watch.standings(acme)
    assert.ok(standing !== undefined && Math.abs(standing.budgetLeft - 0.2) < 0.01)
  })

  test('pages for a burn of 14.4 within minutes of an outage, and ends soon after it', async () => {
    const simulation = new Simulation()
    await simulation.run(70, { acme: 0, globex: 0 })
    await simulation.run(3, { acme: 1, globex: 0 })
    assert.deepEqual(
      simulation.firing().filter((text) => text.startsWith('fast')),
      ['fast to acme', 'fast to platform about acme'],
    )
    await simulation.run(7, { acme: 0, globex: 0 })
    assert.deepEqual(
      simulation.firing().filter((text) => text.startsWith('fast')),
      [],
    )
  })

  test('tells a slow burn from a fast one', async () => {
    for (const [part, minutes, windows] of [
      [0.0155, 65, ['fast']],
      [0.0065, 6 * 60 + 5, ['steady']],
      [0.0032, 24 * 60 + 5, ['slow']],
      [0.0011, 72 * 60 + 5, ['drip']],
      [0.0009, 72 * 60 + 5, []],
    ] as const) {
      const simulation = new Simulation()
      await simulation.run(73 * 60, { acme: 0 })
      // What has been good for three days is in the long windows first.
      await simulation.run(minutes, { acme: part })
      const found = simulation.firing().flatMap((text) => /^(\w+) to acme/.exec(text)?.[1] ?? [])
      for (const window of windows) assert.ok(found.includes(window), `${part}: ${found.join()}`)
      if (windows.length === 0) assert.deepEqual(found, [])
      const faster = ['fast', 'steady', 'slow', 'drip'].slice(
        0,
        ['fast', 'steady', 'slow', 'drip'].indexOf(windows[0] ?? 'drip'),
      )
      for (const window of faster) assert.ok(!found.includes(window), `${part}: ${found.join()}`)
    }
  })

  test('does not wake anybody for a few failures of a tenant that sleeps', async () => {
    const simulation = new Simulation()
    await simulation.run(70, { acme: 0 })
    await simulation.run(2, { acme: 2 / 600 })
    assert.deepEqual(simulation.signals, [])
  })

  test('tells a tenant of itself alone: no word of another is in what it hears', async () => {
    const simulation = new Simulation()
    await simulation.run(61, { acme: 0, globex: 0 })
    await simulation.run(10, { acme: 0.5, globex: 0.4 })
    const heard = simulation.signals.filter(({ tenant }) => tenant === acme)
    assert.ok(heard.length > 0)
    assert.ok(!JSON.stringify(heard).includes('globex'))
    assert.deepEqual(
      simulation.watch.standings(globex).map(({ tenant }) => tenant),
      [globex],
    )
  })
})

test('an objective of latency counts what took too long, and says so only where it was promised', async () => {
  const quick = sloSchema.parse({ name: 'quick', percent: 99, latencyMs: 250, tenants: ['acme'] })
  const simulation = new Simulation([quick])
  await simulation.run(65, { acme: 0.5, globex: 0.5 }, true)
  assert.deepEqual(
    simulation.firing().filter((text) => text.startsWith('fast')),
    ['fast to platform about acme'],
  )
})

test('counts of several processes add up, and none is lost when one begins again', () => {
  const counts = new MergedCounts('gateway')
  const said = (instance: string, requests: number) => ({
    plane: 'gateway',
    instance,
    tenants: [
      { tenant: 'acme', requests, failed: 1, durations: { sum: 0, buckets: [3, requests] } },
    ],
  })
  counts.hear(said('one', 10))
  counts.hear(said('two', 20))
  counts.hear(said('one', 15))
  assert.equal(counts.of(acme).requests, 35)
  for (let n = 0; n < 300; n += 1) counts.hear(said(`later-${n}`, 1))
  assert.equal(counts.of(acme).requests, 335)
  assert.equal(counts.of(acme).durations.count, 335)
  assert.throws(() => counts.hear({ ...said('one', 1), plane: 'vending' }))
  assert.throws(() => counts.hear(said('one', -1)))
  assert.equal(counts.of(globex).requests, 0)
})

test('objectives are refused when two have one name, or promise everything', () => {
  assert.equal(slosSchema.safeParse([available, available]).success, false)
  assert.equal(sloSchema.safeParse({ name: 'x', percent: 100 }).success, false)
})
