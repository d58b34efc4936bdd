import type { Alerts } from '../../alerts/open-alerts.ts'
import type { Metric, MetricSource } from './metric.ts'

/** How the telling of alerts fares. Whose they are is nobody's business who scrapes. */
export function alertMetrics(alerts: Pick<Alerts, 'counts'>): MetricSource {
  return () => {
    const { notices, delivered, failed, givenUp } = alerts.counts
    return [
      counter('ringfence.alerts.notices', 'Notices that were made.', notices),
      counter('ringfence.alerts.delivered', 'Deliveries that a receiver took.', delivered),
      counter('ringfence.alerts.failed', 'Deliveries that are tried again.', failed),
      counter('ringfence.alerts.abandoned', 'Deliveries that were given up.', givenUp),
    ]
  }
}

function counter(name: string, help: string, value: number): Metric {
  return { name, help, unit: '1', kind: 'counter', points: [{ labels: {}, value }] }
}
