import { monitorEventLoopDelay } from 'node:perf_hooks'

const RESOLUTION_MS = 10
const READ_MS = 200

let histogram: ReturnType<typeof monitorEventLoopDelay> | undefined
let readAt = 0
let lag = 0

/**
 * By how much this process itself is late with what it has to do, in milliseconds: a mean of what was
 * a moment ago. One measurement for the whole process.
 */
export function loopLag(): number {
  if (histogram === undefined) {
    histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
    histogram.enable()
  }
  const now = performance.now()
  if (now - readAt < READ_MS || histogram.count === 0) return lag
  lag = Math.max(0, histogram.mean / 1e6 - RESOLUTION_MS)
  histogram.reset()
  readAt = now
  return lag
}
