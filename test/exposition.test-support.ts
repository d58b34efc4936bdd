import { MemoryAlertStore } from '../src/alerts/memory-alert-store.ts'
import { Alerts } from '../src/alerts/open-alerts.ts'
import { parsePlanName } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import { MergedCounts } from '../src/telemetry/counts.ts'
import { alertMetrics } from '../src/telemetry/metrics/alert-metrics.ts'
import { saturationOf } from '../src/telemetry/metrics/saturation.ts'
import { openTelemetry } from '../src/telemetry/open-telemetry.ts'
import { slosSchema } from '../src/telemetry/slo/slo.ts'
import { SloWatch } from '../src/telemetry/slo/slo-watch.ts'
import { telemetrySchema } from '../src/telemetry/telemetry-settings.ts'

const acme = parseTenantId('acme')
const PLANES = ['gateway', 'vending', 'control', 'identity'] as const

/** Everything that planes tell Prometheus, as it reads it: one text, one plane after the other. */
export async function exposition(): Promise<string> {
  const texts: string[] = []
  for (const plane of PLANES) {
    const telemetry = await openTelemetry({
      ...{ plane, version: '0.1.0', write: () => undefined, closeMs: 0 },
      settings: telemetrySchema.parse({
        prometheus: { listen: { host: '127.0.0.1', port: 0 } },
        otlp: { url: 'http://127.0.0.1:1', metrics: false, logs: true },
      }),
    })
    const ended = { tenant: acme, operation: 'clinic', status: 200, milliseconds: 3 }
    telemetry.server.ended(ended)
    telemetry.server.rank()
    const pools = { journal: () => ({ used: 1, limit: 2, waiting: 0 }) }
    telemetry.registry.add(saturationOf(pools))
    const alerts = await Alerts.open({
      ...{ store: new MemoryAlertStore(), sinks: () => [], log: () => undefined },
    })
    telemetry.registry.add(alertMetrics(alerts))
    const counts = new MergedCounts(plane)
    counts.hear(telemetry.counts())
    const watch = new SloWatch({
      slos: slosSchema.parse([{ name: 'available', percent: 99.9, plane }]),
      tenants: () => [{ id: acme, plan: parsePlanName('standard') }],
      counts: { [plane]: counts },
      ...{ alerts, log: () => undefined },
    })
    await watch.look(Date.now())
    telemetry.registry.add(() => watch.metrics())
    texts.push(await (await fetch(`${telemetry.url}/metrics`)).text())
    await telemetry.close()
  }
  return texts.join('')
}
