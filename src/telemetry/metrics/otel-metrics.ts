import type { HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { boundAtLeast, type Histogram } from './histogram.ts'
import type { Metric } from './metric.ts'

const SCOPE = { name: 'ringfence' }
const NOMINAL_MS = [
  0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000,
] as const

/** Bounds of what readers get, in microseconds: of our buckets, so that counts are exact. */
export const BOUNDS: readonly number[] = NOMINAL_MS.map((ms) => boundAtLeast(ms * 1_000))

// As the SDK's enums have them: these numbers are its interface, and importing it takes a tenth of a second.
const CUMULATIVE = 1
const DOUBLE = 1
const TYPE = { histogram: 0, gauge: 2, counter: 3 } as const

/** Metrics in OpenTelemetry's form, as they stand. */
export function resourceMetrics(
  metrics: readonly Metric[],
  resource: Resource,
  startTime: HrTime,
  endTime: HrTime,
): ResourceMetrics {
  const times = { startTime, endTime }
  return {
    resource,
    scopeMetrics: [{ scope: SCOPE, metrics: metrics.map((metric) => dataOf(metric, times)) }],
  }
}

function dataOf(
  metric: Metric,
  times: { readonly startTime: HrTime; readonly endTime: HrTime },
): MetricData {
  const base = {
    descriptor: {
      name: metric.name,
      description: metric.help,
      unit: metric.unit,
      valueType: DOUBLE,
    },
    aggregationTemporality: CUMULATIVE,
  }
  if (metric.kind === 'histogram') {
    const dataPoints = metric.points.map(({ labels, histogram }) => ({
      ...times,
      attributes: labels,
      value: coarse(histogram),
    }))
    return { ...base, dataPointType: TYPE.histogram, dataPoints }
  }
  const dataPoints = metric.points.map(({ labels, value }) => ({
    ...times,
    attributes: labels,
    value,
  }))
  return metric.kind === 'counter'
    ? { ...base, dataPointType: TYPE.counter, isMonotonic: true, dataPoints }
    : { ...base, dataPointType: TYPE.gauge, dataPoints }
}

/** With few buckets, in seconds. */
function coarse(histogram: Histogram) {
  const below = [...histogram.countsBelow(BOUNDS), histogram.count]
  return {
    buckets: {
      boundaries: BOUNDS.map((bound) => bound / 1_000_000),
      counts: below.map((count, index) => count - (below[index - 1] ?? 0)),
    },
    sum: histogram.sum / 1_000_000,
    count: histogram.count,
  }
}
