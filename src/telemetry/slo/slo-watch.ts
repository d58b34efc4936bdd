import type { AlertIntake, AlertSignalInput } from '../../alerts/alert.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { PlanName } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { MergedCounts, PlaneCounts } from '../counts.ts'
import { boundAtLeast } from '../metrics/histogram.ts'
import type { Metric, Point } from '../metrics/metric.ts'
import { BURN_RULES, type Burning, burning } from './burn-rate.ts'
import { type Counted, CountSeries } from './count-series.ts'
import { budgetOf, isFor, type Slo } from './slo.ts'

const DAY_MS = 86_400_000
/** An alert that is not said again for so long is over: whoever said it has ended. */
const UNTIL_MS = 10 * 60_000

export interface SloWatchOptions {
  readonly slos: readonly Slo[]
  /** The tenants that there are now. */
  readonly tenants: () => readonly { readonly id: TenantId; readonly plan: PlanName }[]
  /** By plane: what its processes have counted. */
  readonly counts: Readonly<Partial<Record<Slo['plane'], Pick<MergedCounts, 'of'>>>>
  readonly alerts: AlertIntake
  readonly log: (line: string) => void
}

/** How one tenant fares by one objective. */
export interface SloStanding {
  readonly slo: string
  readonly tenant: TenantId
  readonly total: number
  readonly bad: number
  /** Part of the budget of the whole window that is left; less than 0 when it is overspent. */
  readonly budgetLeft: number
}

/**
 * Looks at every tenant's counters about every half minute, and says to the operator, and to the tenant
 * where that was promised, when a budget burns too fast. It keeps what it has seen in memory: after a
 * start its long windows are short for a while.
 */
export class SloWatch {
  readonly #options: SloWatchOptions
  readonly #series = new Map<string, CountSeries>()
  readonly #firing = new Map<string, readonly AlertSignalInput[]>()
  #standings: readonly SloStanding[] = []

  constructor(options: SloWatchOptions) {
    this.#options = options
  }

  /** @param now milliseconds since 1970 */
  async look(now: number): Promise<void> {
    const { slos, tenants, counts } = this.#options
    const standings: SloStanding[] = []
    const seen = new Set<string>()
    for (const tenant of tenants()) {
      for (const slo of slos) {
        const counted = counts[slo.plane]?.of(tenant.id)
        if (counted === undefined || !isFor(slo, tenant)) continue
        const key = `${slo.name} ${tenant.id}`
        seen.add(key)
        let series = this.#series.get(key)
        if (series === undefined) {
          this.#series.set(key, (series = new CountSeries(slo.days * DAY_MS)))
        }
        series.add(now, countedOf(slo, counted))
        standings.push(standingOf(slo, tenant.id, series, now))
        await this.#judge(key, slo, tenant.id, series, now)
      }
    }
    for (const key of this.#series.keys()) {
      if (seen.has(key)) continue
      this.#series.delete(key)
      await this.#say(key, [], now)
    }
    this.#standings = standings
  }

  /** Of one tenant alone, for its own eyes. */
  standings(tenant: TenantId): readonly SloStanding[] {
    return this.#standings.filter((one) => one.tenant === tenant)
  }

  /** @param has whether a tenant has series of its own */
  metrics(has: (tenant: TenantId) => boolean = () => true): readonly Metric[] {
    const shown = this.#standings.filter(({ tenant }) => has(tenant))
    const points = (of: (standing: SloStanding) => number): Point[] =>
      shown.map((one) => ({
        labels: { 'tenant.id': one.tenant, slo: one.slo },
        value: of(one),
      }))
    return [
      {
        ...{ name: 'ringfence.slo.budget.left', unit: '{part}', kind: 'gauge' },
        help: 'Part of the error budget that is left.',
        points: points(({ budgetLeft }) => budgetLeft),
      },
      {
        ...{ name: 'ringfence.slo.bad', unit: '{request}', kind: 'gauge' },
        ...{ help: 'Bad requests in the budget’s window.', points: points(({ bad }) => bad) },
      },
    ]
  }

  async #judge(
    key: string,
    slo: Slo,
    tenant: TenantId,
    series: CountSeries,
    now: number,
  ): Promise<void> {
    const found = burning((ms) => series.within(now, ms), budgetOf(slo), BURN_RULES)
    const signals = found.flatMap((one) => signalsOf(slo, tenant, one, now))
    await this.#say(key, signals, now)
  }

  /** What fires now, and the end of what fired and does not any more. */
  async #say(key: string, signals: readonly AlertSignalInput[], now: number): Promise<void> {
    const before = this.#firing.get(key) ?? []
    const same = (a: AlertSignalInput, b: AlertSignalInput) =>
      a.tenant === b.tenant && a.labels?.['window'] === b.labels?.['window']
    const ended = before.filter((old) => !signals.some((one) => same(old, one)))
    const all = [
      ...signals,
      ...ended.map((old) => ({ ...old, state: 'resolved' as const, at: new Date(now) })),
    ]
    for (const signal of all) {
      await this.#options.alerts.signal(signal).catch((error: unknown) => {
        const code = error instanceof RingfenceError ? error.code : 'internal'
        this.#options.log(`an alert could not be kept: ${code}`)
      })
    }
    if (signals.length > 0) this.#firing.set(key, signals)
    else this.#firing.delete(key)
  }
}

function countedOf(slo: Slo, { requests, failed, durations }: PlaneCounts): Counted {
  if (slo.latencyMs === undefined) return { total: requests, bad: failed }
  const good = durations.countBelow(boundAtLeast(slo.latencyMs * 1_000))
  return { total: durations.count, bad: durations.count - good }
}

function standingOf(slo: Slo, tenant: TenantId, series: CountSeries, now: number): SloStanding {
  const { total, bad } = series.within(now, slo.days * DAY_MS)
  const allowed = total * budgetOf(slo)
  return { slo: slo.name, tenant, total, bad, budgetLeft: total === 0 ? 1 : 1 - bad / allowed }
}

/** To the operator, who sees whose it is; and to the tenant, who sees only its own. */
function signalsOf(
  slo: Slo,
  tenant: TenantId,
  { rule, rate, bad, total }: Burning,
  now: number,
): readonly AlertSignalInput[] {
  const summary =
    `${slo.name}: ${bad} of ${total} requests bad, ` +
    `${rate.toFixed(1)} times what ${slo.percent} % allows`
  const base = {
    name: 'slo-burn',
    severity: rule.severity,
    state: 'firing' as const,
    at: new Date(now),
    until: new Date(now + UNTIL_MS),
  }
  const labels = { slo: slo.name, window: rule.name }
  const own = { ...base, labels: { ...labels, tenant }, summary: `${tenant}: ${summary}` }
  return slo.tellTenant ? [own, { ...base, tenant, labels, summary }] : [own]
}
