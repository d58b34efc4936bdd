import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parseTenantId } from '../../core/tenant.ts'
import type { Metric } from './metric.ts'
import { outcomeOf, RequestMetrics } from './request-metrics.ts'

const acme = parseTenantId('acme')
const globex = parseTenantId('globex')
const tenant = (n: number) => parseTenantId(`t${n}`)

function pointsOf(metrics: readonly Metric[], name: string) {
  const metric = metrics.find((one) => one.name === name)
  assert.ok(metric !== undefined && metric.kind !== 'histogram')
  return metric.points
}

const seriesOf = (metrics: readonly Metric[]) =>
  metrics.flatMap(({ points }) => points.map(({ labels }) => labels))

describe('requests by tenant', () => {
  test('are counted by outcome, and their percentiles are the last round’s', () => {
    const requests = new RequestMetrics({ name: 'ringfence.gateway' })
    for (const status of [200, 200, 404, 429, 499, 502]) {
      requests.record(acme, 'clinic', outcomeOf(status), 10_000)
    }
    requests.record(globex, 'clinic', 'ok', 500)
    requests.rank()
    const points = pointsOf(requests.metrics(), 'ringfence.gateway.requests')
    const of = (id: string) =>
      points
        .filter(({ labels }) => labels['tenant.id'] === id)
        .map(({ labels, value }) => [labels['outcome'], value])
    assert.deepEqual(of('acme'), [
      ['ok', 2],
      ['refused', 1],
      ['limited', 1],
      ['gone', 1],
      ['failed', 1],
    ])
    assert.deepEqual(of('globex'), [['ok', 1]])
    const percentile = (id: string) =>
      pointsOf(requests.metrics(), 'ringfence.gateway.request.duration.percentile').find(
        ({ labels }) => labels['tenant.id'] === id && labels['percentile'] === '99',
      )?.value ?? 0
    assert.ok(Math.abs(percentile('acme') - 0.01) < 0.01 * 0.016)
    requests.record(acme, 'clinic', 'ok', 1_000_000)
    requests.rank()
    assert.ok(Math.abs(percentile('acme') - 1) < 0.016, 'what was before is not in the next round')
  })

  test('have as many series as were paid for, whoever comes and whatever is called', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 0, max: 50 }), fc.boolean()),
          { maxLength: 400 },
        ),
        (calls) => {
          const [most, operationsMost] = [5, 3]
          const requests = new RequestMetrics({ name: 'x', most, operationsMost })
          for (const [who, what, rank] of calls) {
            requests.record(who === 0 ? undefined : tenant(who), `api-${what}`, 'ok', 1)
            if (rank) requests.rank()
            const series = seriesOf(requests.metrics())
            const tenants = new Set(series.map((labels) => labels['tenant.id']))
            const operations = new Set(series.map((labels) => labels['operation']))
            assert.ok(tenants.size <= most + 2, [...tenants].join(' '))
            assert.ok(operations.size <= operationsMost + 2)
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('lose nothing on the way to another series', () => {
    const requests = new RequestMetrics({ name: 'x', most: 1 })
    for (let round = 0; round < 4; round += 1) {
      const busy = round % 2 === 0 ? acme : globex
      for (let n = 0; n < 10 ** (round + 1); n += 1) requests.record(busy, 'clinic', 'failed', 1)
      requests.rank()
    }
    const counts = requests.counts().map(({ tenant, failed }) => [tenant, failed])
    assert.deepEqual(counts, [
      [acme, 1010],
      [globex, 10_100],
    ])
  })

  test('give places to those with the most traffic, and to those that always have one', () => {
    const always = tenant(1)
    const requests = new RequestMetrics({ name: 'x', most: 3, always: [always] })
    for (let n = 2; n < 20; n += 1) {
      for (let i = 0; i < n * 10; i += 1) requests.record(tenant(n), 'clinic', 'ok', 1)
    }
    requests.rank()
    for (let n = 1; n < 20; n += 1) requests.record(tenant(n), 'clinic', 'ok', 1)
    const named = new Set(
      pointsOf(requests.metrics(), 'x.requests').map(({ labels }) => labels['tenant.id']),
    )
    assert.deepEqual([...named].toSorted(), ['_other', 't1', 't18', 't19'])
  })

  test('are joined under a name that no tenant can have', () => {
    assert.throws(() => parseTenantId('_other'))
    assert.throws(() => parseTenantId('_none'))
  })
})
