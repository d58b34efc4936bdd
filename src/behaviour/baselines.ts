import type { TenantId } from '../core/tenant.ts'
import type { Act, Finding } from './finding.ts'
import type { Observation } from './observation.ts'
import { type KeptSeries, Series, type SeriesForm } from './series.ts'
import type { BehaviourSettings } from './settings.ts'
import { TenantShares } from './tenant-shares.ts'
import { type Usual, usualIn } from './usual.ts'
import { usualUnderGrant } from './usual-under-grant.ts'

/** A week by the hour, and a day by five minutes, with two beyond. */
export const HOURLY: SeriesForm = { slotMs: 3_600_000, slots: 168 }
export const FIVE_MINUTES: SeriesForm = { slotMs: 300_000, slots: 290 }
const SERIES = { perTenant: 2_000, altogether: 40_000 } as const
/** A slot is remembered as so many times the usual at most. */
const GROWTH_MAX = 2
const CALLS_UNDER_GRANT = 'calls-under-grant'

/** What a series is of. `principal` is empty for the tenant as a whole. */
export interface SeriesName {
  readonly tenant: TenantId
  readonly principal: string
  readonly signal: string
}

interface Kept {
  readonly name: SeriesName
  readonly series: Series
  /** Of the slot that is being counted. */
  usual: Usual | undefined
  /** It was told in this slot. */
  isTold: boolean
}

/** What is usual for tenants, for their principals, and for calls under each grant. */
export class Baselines {
  readonly #settings: BehaviourSettings
  readonly #shares = new TenantShares<Kept>(SERIES)
  #judged = 0

  constructor(settings: BehaviourSettings) {
    this.#settings = settings
  }

  /** How many series are kept. */
  get size(): number {
    return this.#shares.size
  }

  /** How many hours of series were compared with what is usual. */
  get judged(): number {
    return this.#judged
  }

  restore(name: SeriesName, kept: KeptSeries): void {
    const series = new Series(formOf(name), kept)
    this.#shares.getOrMake(name.tenant, keyOf(name), () => keptOf(name, series))
  }

  look(seen: Observation): readonly Finding[] {
    const { tenant, principal, signal, grant } = seen
    if (tenant === undefined || signal === undefined) return []
    const found = [this.#hourly({ tenant, principal: '', signal }, seen)]
    if (principal !== undefined) found.push(this.#hourly({ tenant, principal, signal }, seen))
    if (signal === 'delegated-calls' && grant !== undefined) {
      const name = { tenant, principal: `grant ${grant}`, signal: CALLS_UNDER_GRANT }
      found.push(this.#underGrant(name, grant, seen))
    }
    return found.filter((one) => one !== undefined)
  }

  /** What has changed since it was asked for the last time. */
  *changed(): Generator<{ readonly name: SeriesName; readonly kept: KeptSeries }> {
    for (const [, , { name, series }] of this.#shares.entries()) {
      const kept = series.changed()
      if (kept !== undefined) yield { name, kept }
    }
  }

  forget(tenant: TenantId): void {
    this.#shares.forget(tenant)
  }

  #hourly(name: SeriesName, { at }: Observation): Finding | undefined {
    const { hourlyAtLeast, sigmas, warmUpHours } = this.#settings
    const kept = this.#kept(name, at)
    const { series } = kept
    const usual = () => (kept.usual ??= usualIn(series.values, series.slot, sigmas))
    const isWarm = () => series.values.length >= warmUpHours
    const most = () => (isWarm() ? Math.max(usual().limit, 1) : Number.POSITIVE_INFINITY)
    turn(kept, at, () => {
      // The hour is over: it was judged as it grew.
      if (series.count >= hourlyAtLeast && isWarm()) this.#judged += 1
      return most()
    })
    if (!series.add(at) || kept.isTold || series.count < hourlyAtLeast || !isWarm())
      return undefined
    const { limit } = usual()
    if (series.count <= limit) return undefined
    kept.isTold = true
    const { tenant, principal, signal } = name
    const about = { tenant, about: principal === '' ? 'the tenant' : principal, signal }
    return { detector: 'unusual-volume', ...about, at, counted: series.count, limit, acts: [] }
  }

  #underGrant(name: SeriesName, grant: string, { at }: Observation): Finding | undefined {
    const { percent, atLeast } = this.#settings.crossTenantCalls
    const kept = this.#kept(name, at)
    const { series } = kept
    // What is no spike whatever is usual is remembered as it is.
    turn(kept, at, () => {
      const known = usualUnderGrant(series.values)
      return known === undefined ? Number.POSITIVE_INFINITY : Math.max(known * GROWTH_MAX, atLeast)
    })
    if (!series.add(at) || kept.isTold || series.count <= atLeast) return undefined
    const centre = usualUnderGrant(series.values)
    if (centre === undefined) return undefined
    const limit = Math.max((centre * percent) / 100, atLeast)
    if (series.count <= limit) return undefined
    kept.isTold = true
    const { tenant, principal: about, signal } = name
    // About what is usual, or what would be where just this were a spike.
    const requests = Math.max(1, Math.ceil((limit * 100) / percent))
    const acts: readonly Act[] = [
      { kind: 'limit-grant', tenant, grant, requests },
      { kind: 'challenge-grant', tenant, grant },
    ]
    const counts = { at, counted: series.count, limit }
    return { detector: 'cross-tenant-calls', tenant, about, signal, ...counts, acts }
  }

  #kept(name: SeriesName, at: number): Kept {
    return this.#shares.getOrMake(name.tenant, keyOf(name), () =>
      keptOf(name, Series.begun(formOf(name), at)),
    )
  }
}

function turn(kept: Kept, at: number, most: () => number): void {
  if (!kept.series.turn(at, most)) return
  kept.usual = undefined
  kept.isTold = false
}

const keptOf = (name: SeriesName, series: Series): Kept => ({
  ...{ name, series },
  usual: undefined,
  isTold: false,
})
const keyOf = ({ principal, signal }: SeriesName) => `${signal} ${principal}`
const formOf = ({ signal }: SeriesName) => (signal === CALLS_UNDER_GRANT ? FIVE_MINUTES : HOURLY)
