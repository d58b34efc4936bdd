import { z } from 'zod'
import { type TelemetrySettingsInput, telemetrySchema } from '../telemetry/telemetry-settings.ts'
import type { Plane } from './plane-config.ts'

/** Telemetry of all planes: as one plane's, with a port of its own for each. */
export const platformTelemetrySchema = telemetrySchema.omit({ prometheus: true }).extend({
  prometheus: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      /** Of the control plane; the others follow: identity, vending, records, gateway and its workers. */
      port: z.int().min(1).max(65_000),
      tokenFile: z.string().min(1).exactOptional(),
    })
    .exactOptional(),
})
export type PlatformTelemetry = z.output<typeof platformTelemetrySchema>

const AFTER: Readonly<Record<Plane, number>> = {
  control: 0,
  identity: 1,
  vending: 2,
  records: 3,
  gateway: 4,
}

/** One plane's part of it. */
export function telemetryFor(
  plane: Plane,
  settings: PlatformTelemetry | undefined,
): { readonly telemetry?: TelemetrySettingsInput } {
  if (settings === undefined) return {}
  const { prometheus, ...rest } = settings
  if (prometheus === undefined) return { telemetry: rest }
  const { host, port, ...token } = prometheus
  return {
    telemetry: { ...rest, prometheus: { ...token, listen: { host, port: port + AFTER[plane] } } },
  }
}

/** Where planes are scraped. */
export function portsOf(settings: PlatformTelemetry | undefined, workers: number) {
  const { prometheus } = settings ?? {}
  if (prometheus === undefined) return []
  const { host, port } = prometheus
  const most = AFTER.gateway + (workers === 1 ? 0 : workers)
  return Array.from({ length: most + 1 }, (_, place) => ({ host, port: port + place }))
}

/** Where gateways say what they have counted: each worker by itself. */
export function countedGateways(settings: PlatformTelemetry | undefined, workers: number) {
  const { prometheus } = settings ?? {}
  if (prometheus === undefined) return []
  const { host, port, tokenFile } = prometheus
  const first = port + AFTER.gateway
  const ports =
    workers === 1 ? [first] : Array.from({ length: workers }, (_, worker) => first + worker + 1)
  return ports.map((one) => ({
    address: `http://${host}:${one}`,
    ...(tokenFile === undefined ? {} : { tokenFile }),
  }))
}
