import type { TenantId } from '../../core/tenant.ts'
import { Histogram, type SparseHistogram } from './histogram.ts'
import type { HistogramPoint, Metric, Point } from './metric.ts'
import { NOBODY, OTHER, TopTenants, type TopTenantsOptions } from './top-tenants.ts'

/** Classes of outcomes: what a caller did wrong is not what went wrong here. */
export const OUTCOMES = ['ok', 'refused', 'limited', 'gone', 'failed'] as const
export type Outcome = (typeof OUTCOMES)[number]

/** By HTTP status: below 400, 4xx, 429, 499 (the caller went away), and 5xx. */
export function outcomeOf(status: number): Outcome {
  if (status < 400) return 'ok'
  if (status >= 500) return 'failed'
  if (status === 429) return 'limited'
  return status === 499 ? 'gone' : 'refused'
}

/** Of one tenant as a whole, whether it has series of its own or not: what promises are judged by. */
export interface TenantCounts {
  readonly tenant: TenantId
  readonly requests: number
  readonly failed: number
  /** How long they took. Empty for tenants without series of their own. */
  readonly durations: SparseHistogram
}

/** One tenant's and one operation's. */
class Series {
  readonly counts = new Float64Array(OUTCOMES.length)
  readonly durations = new Histogram()
  received = 0
  sent = 0
}

/** Of bodies, as they passed. */
export interface PassedBytes {
  readonly request: number
  readonly answer: number
}

class Row {
  readonly tenant: TenantId
  /** By operation; shared with all others for a tenant without series of its own. */
  series: Map<string, Series>
  requests = 0
  failed = 0
  /** At the end of the last round. */
  ranked = 0
  durations: Histogram | undefined
  percentiles: readonly number[] = []

  constructor(tenant: TenantId, series: Map<string, Series>) {
    this.tenant = tenant
    this.series = series
  }
}

export interface RequestMetricsOptions extends Partial<TopTenantsOptions> {
  /** What metrics' names begin with: `ringfence.gateway`. */
  readonly name: string
  /** Operations with series of their own; more are `_other`. Default 32. */
  readonly operationsMost?: number
  /** Tenants that are counted at all. Default 20,000. */
  readonly tenantsMost?: number
}

const OPERATIONS_MOST = 32
const TENANTS_MOST = 20_000

/**
 * Rate, errors and durations by tenant and operation. Recording finds two entries of maps and adds to
 * numbers that are there already: nothing is made, and nobody is asked. Whatever is called, there are
 * never more than (most + 2) × operations series.
 */
export class RequestMetrics {
  readonly #name: string
  readonly #operationsMost: number
  readonly #tenantsMost: number
  readonly #top: TopTenants
  readonly #rows = new Map<TenantId, Row>()
  /** Of tenants without series of their own, and of requests without a tenant. */
  readonly #other = new Map<string, Series>()
  readonly #nobody = new Map<string, Series>()
  readonly #operations = new Set<string>()

  constructor(options: RequestMetricsOptions) {
    this.#name = options.name
    this.#operationsMost = options.operationsMost ?? OPERATIONS_MOST
    this.#tenantsMost = options.tenantsMost ?? TENANTS_MOST
    this.#top = new TopTenants({
      ...(options.most === undefined ? {} : { most: options.most }),
      ...(options.always === undefined ? {} : { always: options.always }),
    })
  }

  /**
   * @param tenant one that there is: never a name that only a caller says
   * @param operation a name of a contract, or of a closed list
   */
  record(
    tenant: TenantId | undefined,
    operation: string,
    outcome: Outcome,
    microseconds: number,
    bytes?: PassedBytes,
  ): void {
    let all = this.#nobody
    if (tenant !== undefined) {
      const row = this.#rows.get(tenant) ?? this.#enter(tenant)
      if (row === undefined) all = this.#other
      else {
        row.requests += 1
        if (outcome === 'failed') row.failed += 1
        all = row.series
      }
    }
    const series = all.get(operation) ?? this.#seriesOf(all, operation)
    const index = OUTCOMES.indexOf(outcome)
    series.counts[index] = (series.counts[index] ?? 0) + 1
    series.durations.record(microseconds)
    if (bytes === undefined) return
    series.received += bytes.request
    series.sent += bytes.answer
  }

  #enter(tenant: TenantId): Row | undefined {
    if (this.#rows.size >= this.#tenantsMost) return undefined
    const row = new Row(tenant, this.#top.has(tenant) ? new Map() : this.#other)
    this.#rows.set(tenant, row)
    return row
  }

  #seriesOf(all: Map<string, Series>, operation: string): Series {
    const isNew = !this.#operations.has(operation)
    if (isNew && this.#operations.size >= this.#operationsMost) operation = OTHER
    else this.#operations.add(operation)
    let series = all.get(operation)
    if (series === undefined) all.set(operation, (series = new Series()))
    return series
  }

  /** Gives series to those with the most traffic since the last round. To be called about every minute. */
  rank(): void {
    const rows = [...this.#rows.values()]
    const lost = this.#top.rank(rows.map((row) => [row.tenant, row.requests - row.ranked] as const))
    for (const tenant of lost) {
      const row = this.#rows.get(tenant)
      if (row !== undefined) row.series = this.#other
    }
    for (const row of rows) {
      row.ranked = row.requests
      if (row.series === this.#other) {
        row.durations = undefined
        row.percentiles = []
        if (this.#top.has(row.tenant)) row.series = new Map()
        continue
      }
      const durations = wholeOf(row.series)
      const round = durations.since(row.durations)
      row.percentiles =
        round.count === 0 ? [] : PERCENTILES.map(([, part]) => round.percentile(part))
      row.durations = durations
    }
  }

  /** Lets go of tenants that there are not any more. */
  forget(isThere: (tenant: TenantId) => boolean): void {
    for (const tenant of this.#rows.keys()) if (!isThere(tenant)) this.#rows.delete(tenant)
  }

  /** Every tenant's, whether it has series of its own or not. */
  counts(): readonly TenantCounts[] {
    return [...this.#rows.values()].map(({ tenant, requests, failed, series }) => {
      const durations = series === this.#other ? new Histogram() : wholeOf(series)
      return { tenant, requests, failed, durations: durations.sparse() }
    })
  }

  metrics(): readonly Metric[] {
    const requests: Point[] = []
    const durations: HistogramPoint[] = []
    const bytes: Point[] = []
    for (const [tenant, all] of this.#all()) {
      for (const [operation, series] of all) {
        const labels = { 'tenant.id': tenant, operation }
        for (const [index, outcome] of OUTCOMES.entries()) {
          const value = series.counts[index] ?? 0
          if (value > 0) requests.push({ labels: { ...labels, outcome }, value })
        }
        durations.push({ labels, histogram: series.durations })
        const { received, sent } = series
        if (received + sent === 0) continue
        bytes.push({ labels: { ...labels, direction: 'in' }, value: received })
        bytes.push({ labels: { ...labels, direction: 'out' }, value: sent })
      }
    }
    const percentiles = [...this.#rows.values()].flatMap(({ tenant, percentiles }) =>
      percentiles.map((microseconds, index) => ({
        labels: { 'tenant.id': tenant, percentile: PERCENTILES[index]?.[0] ?? '' },
        value: microseconds / 1_000_000,
      })),
    )
    const name = this.#name
    return [
      {
        ...{ name: `${name}.requests`, unit: '{request}', kind: 'counter' },
        ...{ help: 'Requests by tenant, operation and outcome.', points: requests },
      },
      {
        ...{ name: `${name}.request.duration`, unit: 's', kind: 'histogram' },
        ...{ help: 'How long requests took.', points: durations },
      },
      {
        ...{ name: `${name}.bodies`, unit: 'By', kind: 'counter' },
        ...{ help: 'Bytes of bodies, in and out.', points: bytes },
      },
      {
        ...{ name: `${name}.request.duration.percentile`, unit: 's', kind: 'gauge' },
        help: 'p50, p95 and p99 of the last round of about a minute, 1.6 % off at most.',
        points: percentiles,
      },
    ]
  }

  *#all(): Iterable<readonly [string, ReadonlyMap<string, Series>]> {
    for (const { tenant, series } of this.#rows.values()) {
      if (series !== this.#other && series.size > 0) yield [tenant, series]
    }
    if (this.#other.size > 0) yield [OTHER, this.#other]
    if (this.#nobody.size > 0) yield [NOBODY, this.#nobody]
  }
}

const PERCENTILES = [
  ['50', 0.5],
  ['95', 0.95],
  ['99', 0.99],
] as const

function wholeOf(series: ReadonlyMap<string, Series>): Histogram {
  const whole = new Histogram()
  for (const { durations } of series.values()) whole.add(durations)
  return whole
}
