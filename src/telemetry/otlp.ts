import type { Resource } from '@opentelemetry/resources'
import { ExportQueue } from './export-queue.ts'
import type { LogRecord } from './logs/json-log.ts'
import { readableLog } from './logs/otel-logs.ts'
import type { Metric } from './metrics/metric.ts'
import { resourceMetrics } from './metrics/otel-metrics.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import { hrTime, readableSpan } from './traces/otel-spans.ts'
import type { SpanRecord, SpanSink } from './traces/span.ts'

/** For one attempt at a batch, with what the exporter tries again. Milliseconds. */
const TIMEOUT_MS = 10_000

export interface OtlpOptions {
  readonly settings: NonNullable<TelemetrySettings['otlp']>
  readonly headers: Readonly<Record<string, string>>
  readonly resource: Resource
  readonly metrics: () => readonly Metric[]
  /** For what there is at the end. Milliseconds. */
  readonly closeMs: number
}

export interface Otlp {
  readonly spans: (SpanSink & Pick<ExportQueue<SpanRecord>, 'counts'>) | undefined
  readonly logs: ExportQueue<LogRecord> | undefined
  /** Readings that were sent, and that the collector did not take. */
  readonly readings: { readonly sent: number; readonly lost: number }
  /** Sends what there is, for `closeMs` at most. */
  close(): Promise<void>
}

interface Exporter<T> {
  export(batch: T, done: (result: { readonly code: number; readonly error?: Error }) => void): void
  shutdown(): Promise<void>
}

/** Sends signals to a collector. What is not wanted is not even loaded. */
export async function openOtlp(options: OtlpOptions): Promise<Otlp> {
  const { settings, resource } = options
  const { waitingMost } = settings
  const closers: (() => Promise<void>)[] = []
  const made = <T>(exporter: Exporter<T>): Exporter<T> => {
    closers.push(() => exporter.shutdown())
    return exporter
  }
  const config = (signal: string) => ({
    url: `${settings.url.replace(/\/$/, '')}/v1/${signal}`,
    headers: { ...options.headers },
    timeoutMillis: TIMEOUT_MS,
  })
  let spans: ExportQueue<SpanRecord> | undefined
  if (settings.traces) {
    const { OTLPTraceExporter } = await import('@opentelemetry/exporter-trace-otlp-http')
    const exporter = made(new OTLPTraceExporter(config('traces')))
    spans = new ExportQueue({
      waitingMost,
      of: ({ attributes }) => String(attributes['tenant.id'] ?? ''),
      send: (batch) =>
        sent(
          exporter,
          batch.map((span) => readableSpan(span, resource)),
        ),
    })
  }
  let logs: ExportQueue<LogRecord> | undefined
  if (settings.logs) {
    const { OTLPLogExporter } = await import('@opentelemetry/exporter-logs-otlp-http')
    const exporter = made(new OTLPLogExporter(config('logs')))
    logs = new ExportQueue({
      waitingMost,
      of: ({ tenant }) => tenant ?? '',
      send: (batch) =>
        sent(
          exporter,
          batch.map((record) => readableLog(record, resource)),
        ),
    })
  }
  const readings = { sent: 0, lost: 0 }
  const stopReading = settings.metrics
    ? await read(options, config('metrics'), made, readings)
    : undefined
  return {
    spans,
    logs,
    readings,
    async close() {
      const { closeMs } = options
      await Promise.all([spans?.close(closeMs), logs?.close(closeMs), stopReading?.()])
      // Not waited for: what a collector that hangs has not taken by now is lost.
      for (const close of closers) void close().catch(() => undefined)
    },
  }
}

async function read(
  { settings, resource, metrics, closeMs }: OtlpOptions,
  config: { readonly url: string; readonly headers: Record<string, string> },
  made: <T>(exporter: Exporter<T>) => Exporter<T>,
  readings: { sent: number; lost: number },
): Promise<() => Promise<void>> {
  const { OTLPMetricExporter } = await import('@opentelemetry/exporter-metrics-otlp-http')
  const exporter = made(new OTLPMetricExporter(config))
  const start = hrTime(Date.now())
  let sending: Promise<void> | undefined
  const once = () => {
    // One at a time: a collector that hangs gets the next reading when it has let go of this one.
    sending ??= sent(exporter, resourceMetrics(metrics(), resource, start, hrTime(Date.now())))
      .then(
        () => {
          readings.sent += 1
        },
        () => {
          readings.lost += 1
        },
      )
      .finally(() => {
        sending = undefined
      })
    return sending
  }
  const timer = setInterval(() => void once(), settings.metricsSeconds * 1000).unref()
  return async () => {
    clearInterval(timer)
    let tooLate: NodeJS.Timeout | undefined
    const late = new Promise<void>((resolve) => {
      tooLate = setTimeout(resolve, closeMs)
    })
    await Promise.race([Promise.resolve(sending).then(once), late])
    clearTimeout(tooLate)
  }
}

/** @throws what the exporter failed with */
function sent<T>(exporter: Exporter<T>, batch: T): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(batch, ({ code, error }) => {
      if (code === 0) resolve()
      else reject(error ?? new Error('not exported'))
    })
  })
}
