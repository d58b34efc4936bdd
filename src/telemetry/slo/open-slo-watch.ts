import { messageOf } from '../../core/errors.ts'
import { MergedCounts } from '../counts.ts'
import { type CountedProcess, CountsFollower } from './counts-follower.ts'
import type { Slo } from './slo.ts'
import { SloWatch, type SloWatchOptions } from './slo-watch.ts'

const EVERY_MS = 30_000

export interface OpenSloWatchOptions extends Omit<SloWatchOptions, 'counts'> {
  /** By plane: where its processes are now. Planes that are left out are not watched. */
  readonly processes: Readonly<Partial<Record<Slo['plane'], () => readonly CountedProcess[]>>>
  /** Between looks. Default 30 s. Milliseconds. */
  readonly everyMs?: number
}

export interface OpenSloWatch {
  readonly watch: SloWatch
  close(): Promise<void>
}

/** Asks planes what they have counted, and judges it, until it is closed. One process of a platform does. */
export function openSloWatch(options: OpenSloWatchOptions): OpenSloWatch {
  const counts: Partial<Record<Slo['plane'], MergedCounts>> = {}
  const followers: CountsFollower[] = []
  for (const [plane, processes] of Object.entries(options.processes)) {
    const merged = new MergedCounts(plane)
    counts[plane as Slo['plane']] = merged
    followers.push(new CountsFollower(processes, merged, options.log))
  }
  const watch = new SloWatch({ ...options, counts })
  let looking: Promise<void> | undefined
  const look = async () => {
    await Promise.all(followers.map((follower) => follower.look()))
    await watch.look(Date.now())
  }
  const timer = setInterval(() => {
    // One that takes long is not overtaken.
    looking ??= look()
      .catch((error: unknown) => options.log(`promises: ${messageOf(error)}`))
      .finally(() => {
        looking = undefined
      })
  }, options.everyMs ?? EVERY_MS)
  return {
    watch,
    async close() {
      clearInterval(timer)
      await looking
    },
  }
}
