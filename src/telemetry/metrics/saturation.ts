import type { Metric, MetricSource, Point } from './metric.ts'

/** How full something is that there is only so much of. */
export interface PoolState {
  readonly used: number
  /** Infinity where there is no limit. */
  readonly limit: number
  /** Who waits for a place. */
  readonly waiting?: number
}

/**
 * Pools of this process by their names, from a closed list of the plane's: `gate`, `database`,
 * `sessions`. One that cannot be read is left out.
 */
export function saturationOf(pools: Readonly<Record<string, () => PoolState>>): MetricSource {
  return () => {
    const used: Point[] = []
    const limit: Point[] = []
    const waiting: Point[] = []
    for (const [pool, read] of Object.entries(pools)) {
      const state = readSafely(read)
      if (state === undefined) continue
      const labels = { pool }
      used.push({ labels, value: state.used })
      if (Number.isFinite(state.limit)) limit.push({ labels, value: state.limit })
      if (state.waiting !== undefined) waiting.push({ labels, value: state.waiting })
    }
    return [
      gauge('ringfence.pool.used', 'Places of a pool that are taken.', used),
      gauge('ringfence.pool.limit', 'Places that a pool has.', limit),
      gauge('ringfence.pool.waiting', 'Who waits for a place of a pool.', waiting),
    ]
  }
}

function gauge(name: string, help: string, points: readonly Point[]): Metric {
  return { name, help, unit: '1', kind: 'gauge', points }
}

function readSafely(read: () => PoolState): PoolState | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
