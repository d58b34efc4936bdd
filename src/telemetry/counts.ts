import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { Histogram } from './metrics/histogram.ts'

const count = z.number().min(0)

/** What one process has counted since its start, tenant by tenant: `GET /counts`. */
export const processCountsSchema = z.strictObject({
  plane: z.string().min(1).max(40),
  /** Another one after each start: a count that begins again is not one that went back. */
  instance: z.string().min(1).max(200),
  tenants: z.array(
    z.strictObject({
      tenant: parsed(parseTenantId),
      requests: count,
      failed: count,
      durations: z.strictObject({ sum: count, buckets: z.array(count).readonly() }),
    }),
  ),
})
export type ProcessCounts = z.output<typeof processCountsSchema>

/** Of one tenant, over all processes of a plane. */
export interface PlaneCounts {
  readonly requests: number
  readonly failed: number
  readonly durations: Histogram
}

/** Processes that are told apart; of more, what was heard of longest ago is added to what has ended. */
const INSTANCES_MOST = 200

type Counts = ReadonlyMap<TenantId, PlaneCounts>

/**
 * Adds up what several processes of one plane have counted. Sums never go back: a process that is gone,
 * or began again under another name, leaves what it had counted last.
 */
export class MergedCounts {
  readonly #plane: string
  readonly #running = new Map<string, Counts>()
  readonly #ended = new Map<TenantId, PlaneCounts>()

  constructor(plane: string) {
    this.#plane = plane
  }

  /** @throws RingfenceError `invalid_argument` for what is not a process's counts of this plane */
  hear(said: unknown): void {
    const read = processCountsSchema.safeParse(said)
    if (!read.success || read.data.plane !== this.#plane) {
      throw new RingfenceError('invalid_argument', 'these are not counts of this plane')
    }
    const counts = new Map<TenantId, PlaneCounts>()
    for (const { tenant, requests, failed, durations } of read.data.tenants) {
      counts.set(tenant, { requests, failed, durations: Histogram.of(durations) })
    }
    // The last one heard of is the last in the map.
    this.#running.delete(read.data.instance)
    this.#running.set(read.data.instance, counts)
    const [oldest] = this.#running
    if (oldest === undefined || this.#running.size <= INSTANCES_MOST) return
    this.#running.delete(oldest[0])
    for (const [tenant, one] of oldest[1]) this.#ended.set(tenant, this.#sum(tenant, [one]))
  }

  tenants(): readonly TenantId[] {
    const all = [this.#ended, ...this.#running.values()]
    return [...new Set(all.flatMap((counts) => [...counts.keys()]))]
  }

  of(tenant: TenantId): PlaneCounts {
    return this.#sum(
      tenant,
      [...this.#running.values()].flatMap((counts) => counts.get(tenant) ?? []),
    )
  }

  #sum(tenant: TenantId, more: readonly PlaneCounts[]): PlaneCounts {
    const ended = this.#ended.get(tenant)
    const all = ended === undefined ? more : [ended, ...more]
    const durations = new Histogram()
    for (const one of all) durations.add(one.durations)
    return {
      requests: all.reduce((sum, { requests }) => sum + requests, 0),
      failed: all.reduce((sum, { failed }) => sum + failed, 0),
      durations,
    }
  }
}
