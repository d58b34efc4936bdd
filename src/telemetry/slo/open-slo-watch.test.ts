import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertSignalInput } from '../../alerts/alert.ts'
import { parsePlanName } from '../../core/names.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { until } from '../../core/until.test-support.ts'
import { openTelemetry } from '../open-telemetry.ts'
import { telemetrySchema } from '../telemetry-settings.ts'
import { openSloWatch } from './open-slo-watch.ts'
import { slosSchema } from './slo.ts'

const acme = parseTenantId('acme')

test('what several processes counted is judged together, also while one of them is away', async (t) => {
  const listen = { host: '127.0.0.1', port: 0 }
  const open = () =>
    openTelemetry({
      ...{ plane: 'gateway', version: '0.1.0', write: () => undefined },
      settings: telemetrySchema.parse({ prometheus: { listen } }),
    })
  const processes = [await open(), await open()]
  const signals: AlertSignalInput[] = []
  const lines: string[] = []
  const opened = openSloWatch({
    slos: slosSchema.parse([{ name: 'available', percent: 99.9 }]),
    tenants: () => [{ id: acme, plan: parsePlanName('standard') }],
    processes: {
      gateway: () => [
        ...processes.map(({ url }) => ({ address: url ?? '' })),
        { address: 'http://127.0.0.1:1' },
      ],
    },
    alerts: { signal: async (signal) => void signals.push(signal) },
    log: (line) => lines.push(line),
    everyMs: 20,
  })
  t.after(async () => {
    await opened.close()
    for (const one of processes) await one.close()
  })
  await until(() => opened.watch.standings(acme).length === 1)
  for (const { server } of processes) {
    for (let n = 0; n < 3; n += 1) {
      server.ended({ tenant: acme, operation: 'clinic', status: 502, milliseconds: 1 })
    }
  }
  // Five are the least that says anything: neither has as many.
  await until(() => opened.watch.standings(acme)[0]?.bad === 6)
  await until(() => signals.some(({ labels }) => labels?.['window'] === 'fast'))
  assert.ok(lines.length > 0, 'one that does not answer is said')
})
