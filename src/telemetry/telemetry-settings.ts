import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import { LEVELS } from './logs/json-log.ts'

const listen = z.union([
  z.strictObject({ socket: z.string().min(1) }),
  z.strictObject({ host: z.string().min(1), port: z.int().min(0).max(65_535) }),
])

/** What a plane is told of its telemetry. Absent: it has none, and only logs. */
export const telemetrySchema = z.strictObject({
  /** What is logged at least. */
  level: z.enum(LEVELS).default('info'),
  /** `GET /metrics` for Prometheus, and `GET /counts`. */
  prometheus: z
    .strictObject({
      /** A listener of its own, which tenants do not reach. */
      listen,
      /** Holds what a scraper says to be known by (`Authorization: Bearer …`). Absent: whoever reaches it. */
      tokenFile: z.string().min(1).exactOptional(),
    })
    .exactOptional(),
  /** A collector that speaks OTLP over HTTP. */
  otlp: z
    .strictObject({
      /** `http://collector:4318`: signals go to `/v1/traces`, `/v1/metrics` and `/v1/logs` below it. */
      url: z.url({ protocol: /^https?$/ }),
      /** Holds header fields to send, one `name: value` a line. */
      headersFile: z.string().min(1).exactOptional(),
      traces: z.boolean().default(true),
      metrics: z.boolean().default(true),
      logs: z.boolean().default(false),
      metricsSeconds: z.int().min(1).max(3_600).default(30),
      /** Spans, and lines of logs, that wait at most; more are let go and counted. */
      waitingMost: z.int().min(16).max(1_000_000).default(4_096),
    })
    .exactOptional(),
  sampling: z
    .strictObject({
      /** Of traces that begin here. */
      ratio: z.number().min(0).max(1).default(0.01),
      /** Of one tenant's traces a second that its callers ask for. */
      parentsPerSecond: z.int().min(0).max(100_000).default(5),
      /** Of one tenant's failures a second. */
      failuresPerSecond: z.int().min(0).max(100_000).default(20),
    })
    .prefault({}),
  tenants: z
    .strictObject({
      /** Tenants with series of their own; the others are `_other`. */
      most: z.int().min(0).max(10_000).default(200),
      /** Tenants that have them whatever their traffic. */
      always: z.array(parsed(parseTenantId)).default([]),
    })
    .prefault({}),
})
export type TelemetrySettings = z.output<typeof telemetrySchema>
export type TelemetrySettingsInput = z.input<typeof telemetrySchema>
