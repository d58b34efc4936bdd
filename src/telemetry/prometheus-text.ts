import type { Resource } from '@opentelemetry/resources'
import type { Metric } from './metrics/metric.ts'
import { resourceMetrics } from './metrics/otel-metrics.ts'

export const PROMETHEUS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const SUFFIX: Readonly<Record<string, string>> = { s: '.seconds', By: '.bytes' }

/**
 * Metrics as Prometheus reads them, under the names that its own OTLP receiver gives them, so that
 * dashboards fit whichever way they came: dots become underscores, units are at the end of names.
 */
export async function prometheusText(
  metrics: readonly Metric[],
  resource: Resource,
): Promise<string> {
  const { PrometheusSerializer } = await import('@opentelemetry/exporter-prometheus')
  const named = metrics.map((metric) => ({
    ...metric,
    name: `${metric.name}${SUFFIX[metric.unit] ?? ''}`,
    unit: '',
  }))
  return new PrometheusSerializer('', false, undefined, true, true).serialize(
    resourceMetrics(named, resource, [0, 0], [0, 0]),
  )
}
