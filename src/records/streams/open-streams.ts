import { type Outside, platformOutside } from '../../alerts/outside.ts'
import { type LogName, logOf } from '../../audit/entry.ts'
import { prepareSchema } from '../../database/prepare-schema.ts'
import type { TenantId } from '../../core/tenant.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'
import type { Metric } from '../../telemetry/metrics/metric.ts'
import type { TenantCaller } from '../api/caller.ts'
import type { KeyEncryptionKeys } from '../log/key-encryption.ts'
import { LogDatabase, logError, type LogDatabaseSettings } from '../log/log-database.ts'
import { tenantOf } from '../log/log-parts.ts'
import type { LogStore } from '../log/log-store.ts'
import { s3Stream } from './s3-stream.ts'
import {
  parseSecrets,
  parted,
  type SinkInput,
  type SinkSecrets,
  type SinkSettings,
} from './sink-settings.ts'
import { Sinks } from './sinks.ts'
import { sinksApi } from './sinks-api.ts'
import type { Stream } from './stream.ts'
import { STREAM_MIGRATIONS } from './stream-migrations.ts'
import { Streamer, type StreamerOptions } from './streamer.ts'
import { syslogStream } from './syslog-stream.ts'
import { webhookStream } from './webhook-stream.ts'

/** Serialises preparing processes. The number is "strm" in ASCII. */
const PREPARE_LOCK = 0x7374726d

/** A sink of the platform's own log, from its configuration. */
export interface PlatformSink {
  readonly name: string
  readonly sink: SinkInput['sink']
}

export interface StreamsOptions extends Pick<StreamerOptions, 'lookMs' | 'idleMs' | 'pauseMs'> {
  /** The control database, as `rf_records`. */
  readonly database: LogDatabaseSettings
  readonly store: LogStore
  /** Seal sinks' secrets. */
  readonly keys: KeyEncryptionKeys
  /** What syslog calls this installation: `audit.example.com`. */
  readonly hostname: string
  readonly platform: readonly PlatformSink[]
  readonly callerOf: (headers: Headers) => Promise<TenantCaller>
  /** Whether a tenant is one now, and not suspended. */
  readonly isActive: (tenant: TenantId) => boolean
  /** How the outside is reached on a tenant's word. */
  readonly outside: Outside
  readonly log: (line: string) => void
}

/**
 * Opens the streams of logs to their sinks.
 * @throws RingfenceError `engine_unavailable`, `not_writable`, `invalid_argument` for a sink of the platform
 */
export async function openStreams(options: StreamsOptions) {
  const { store, keys, hostname, callerOf, isActive, log } = options
  const tenants = options.outside
  const platform = platformOutside()
  await prepareStreams(options.database)
  const database = new LogDatabase(options.database)
  const sinks = new Sinks(database, keys)
  const outsideOf = (name: LogName) => (tenantOf(name) === undefined ? platform : tenants)
  const streamOf = (name: LogName, settings: SinkSettings, secrets: SinkSecrets) =>
    makeStream(settings, secrets, hostname, outsideOf(name))
  try {
    for (const { sink } of options.platform) {
      const { settings, secrets } = parted(sink)
      streamOf(logOf(undefined), settings, secrets)
    }
    await sinks.reseal()
    await declare(sinks, options.platform)
  } catch (error) {
    await database.close()
    throw error
  }
  const streamer = new Streamer({
    ...options,
    sinks,
    streamOf: (sink) => streamOf(sink.log, sink.settings, sink.secrets),
    mayLeave: (name) => {
      const tenant = tenantOf(name)
      return tenant === undefined || isActive(tenant)
    },
  })
  return {
    sinks,
    app: sinksApi({
      ...{ sinks, store, callerOf, log },
      check: (sink) => {
        const { settings, secrets } = parted(sink)
        makeStream(settings, secrets, hostname, tenants)
      },
    }),
    metrics: () => metricsOf(streamer),
    async close() {
      await streamer.close()
      await database.close()
    },
  }
}

/** The platform's sinks are those of its configuration: others are removed, and new ones begin at the start. */
async function declare(sinks: Sinks, declared: readonly PlatformSink[]): Promise<void> {
  const log = logOf(undefined)
  for (const { name } of await sinks.list(log)) {
    if (!declared.some((one) => one.name === name)) await sinks.remove(log, name, undefined)
  }
  for (const { name, sink } of declared) await sinks.put(log, name, sink, 0, undefined)
}

/** @throws RingfenceError `invalid_argument` for a place that is not to be used */
export function makeStream(
  settings: SinkSettings,
  secrets: SinkSecrets,
  hostname: string,
  outside: Outside,
): Stream {
  if (settings.kind === 'webhook') {
    const { secret } = parseSecrets('webhook', secrets)
    return webhookStream(settings, parseWebhookSecret(secret), outside)
  }
  if (settings.kind === 's3') return s3Stream(settings, parseSecrets('s3', secrets), outside)
  return syslogStream(settings, hostname, outside)
}

function metricsOf({ counts }: Streamer): readonly Metric[] {
  const counter = (name: string, help: string, value: number): Metric => ({
    ...{ name, help, unit: '1', kind: 'counter' },
    points: [{ labels: {}, value }],
  })
  return [
    counter('ringfence.audit.streams.delivered', 'Batches that a sink took.', counts.delivered),
    counter('ringfence.audit.streams.failed', 'Batches that are tried again.', counts.failed),
  ]
}

/** Brings the tables of streams up to date. @throws RingfenceError `engine_unavailable`, `not_writable` */
export function prepareStreams(settings: LogDatabaseSettings): Promise<void> {
  const tables = {
    schema: 'records',
    table: 'stream_migration',
    steps: STREAM_MIGRATIONS,
    lock: PREPARE_LOCK,
  }
  return prepareSchema(settings, tables, logError)
}
