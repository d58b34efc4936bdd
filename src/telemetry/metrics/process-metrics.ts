import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricSource } from './metric.ts'

const RESOLUTION_MS = 20

/** What this process takes, and for how long it stood still since the last reading. */
export function processMetrics(): { readonly source: MetricSource; close(): void } {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  return {
    close: () => delay.disable(),
    source() {
      const { user, system } = process.cpuUsage()
      const { rss, heapUsed } = process.memoryUsage()
      const stood = delay.percentile(99) / 1e9
      delay.reset()
      const gauge = (name: string, help: string, unit: string, value: number) =>
        ({ name, help, unit, kind: 'gauge', points: [{ labels: {}, value }] }) as const
      return [
        {
          ...{ name: 'ringfence.process.cpu', unit: 's', kind: 'counter' },
          help: 'Processor time.',
          points: [
            { labels: { mode: 'user' }, value: user / 1e6 },
            { labels: { mode: 'system' }, value: system / 1e6 },
          ],
        },
        gauge('ringfence.process.memory', 'Resident memory.', 'By', rss),
        gauge('ringfence.process.heap', 'Heap in use.', 'By', heapUsed),
        gauge('ringfence.process.loop.delay', 'p99 of the event loop’s delay.', 's', stood),
        gauge('ringfence.process.uptime', 'Since the start.', 's', process.uptime()),
      ]
    },
  }
}
