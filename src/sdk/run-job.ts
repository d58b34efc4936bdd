import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'

/** What became of one tenant's part of a job. */
export type JobOutcome<T> =
  | { readonly tenant: TenantId; readonly state: 'done'; readonly value: T }
  | { readonly tenant: TenantId; readonly state: 'failed'; readonly error: unknown }
  /** The job was stopped before its turn. */
  | { readonly tenant: TenantId; readonly state: 'skipped' }

export interface JobReport<T> {
  /** One for each tenant, in the control plane's order. */
  readonly outcomes: readonly JobOutcome<T>[]
  readonly done: number
  readonly failed: number
  readonly skipped: number
}

export interface JobOptions<T> {
  /** Tenants that are worked on at a time. Default 4. */
  readonly concurrency?: number
  /** Stops the job: tenants whose turn has not come are skipped. */
  readonly signal?: AbortSignal
  /** Told of each tenant as it ends. What it throws ends the job. */
  readonly onOutcome?: (outcome: JobOutcome<T>) => void
}

const CONCURRENCY_DEFAULT = 4

/**
 * Works through the items, so many at a time. One that fails does not stop the others.
 * @throws RingfenceError `invalid_argument` for a concurrency below 1; what `onOutcome` throws
 */
export async function runJob<I extends { readonly tenant: TenantId }, T>(
  items: readonly I[],
  work: (item: I) => Promise<T>,
  options: JobOptions<T> = {},
): Promise<JobReport<T>> {
  const { concurrency = CONCURRENCY_DEFAULT, signal, onOutcome } = options
  if (!(Number.isInteger(concurrency) && concurrency > 0)) {
    throw new RingfenceError('invalid_argument', 'a job works on at least one tenant at a time')
  }
  const outcomes: JobOutcome<T>[] = []
  let stopped = false
  const turns = items.entries()
  const workers = Array.from({ length: Math.min(concurrency, items.length) }, async () => {
    for (const [index, item] of turns) {
      if (stopped) return
      const outcome =
        signal?.aborted === true
          ? ({ tenant: item.tenant, state: 'skipped' } as const)
          : await outcomeOf(item, work)
      outcomes[index] = outcome
      try {
        onOutcome?.(outcome)
      } catch (error) {
        stopped = true
        throw error
      }
    }
  })
  const ends = await Promise.allSettled(workers)
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  const count = (state: JobOutcome<T>['state']) =>
    outcomes.filter((outcome) => outcome.state === state).length
  return { outcomes, done: count('done'), failed: count('failed'), skipped: count('skipped') }
}

async function outcomeOf<I extends { readonly tenant: TenantId }, T>(
  item: I,
  work: (item: I) => Promise<T>,
): Promise<JobOutcome<T>> {
  const { tenant } = item
  try {
    return { tenant, state: 'done', value: await work(item) }
  } catch (error) {
    return { tenant, state: 'failed', error }
  }
}
