import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { type Listening, listen } from '../http/listen.ts'
import type { ProcessCounts } from './counts.ts'
import type { ExportQueue } from './export-queue.ts'
import { JsonLog } from './logs/json-log.ts'
import type { Metric } from './metrics/metric.ts'
import { processMetrics } from './metrics/process-metrics.ts'
import { Registry } from './metrics/registry.ts'
import { openOtlp, type Otlp } from './otlp.ts'
import { prometheusText } from './prometheus-text.ts'
import { ServerTelemetry } from './server-telemetry.ts'
import { telemetryApp } from './telemetry-app.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import { Sampler } from './traces/sampler.ts'
import { currentTrace } from './traces/current-trace.ts'
import type { SpanSink } from './traces/span.ts'

const RANK_MS = 60_000
const CLOSE_MS = 3_000

export interface OpenTelemetryOptions {
  /** `gateway`, `vending`, `control`, `identity`, `records`. */
  readonly plane: string
  /** Of this build: `0.1.0`. */
  readonly version: string
  readonly settings: TelemetrySettings
  /** Gets each line of the log, without its end. */
  readonly write: (line: string) => void
  /** Which of several processes of one plane on a machine this is. Default the process's id. */
  readonly worker?: string
  /** For what is to be sent at the end. Default 3 s. Milliseconds. */
  readonly closeMs?: number
}

export interface Telemetry {
  /** What a plane says: it becomes one line of JSON, without what must not be in a log. */
  readonly log: (line: string) => void
  /** The same, for whoever collects lines: undefined for one that is left out. */
  readonly line: (line: string) => string | undefined
  readonly registry: Registry
  readonly server: ServerTelemetry
  /** Absent: nobody wants spans. */
  readonly spans: SpanSink | undefined
  /** Where `GET /metrics` and `GET /counts` are; undefined unless asked for. */
  readonly url: string | undefined
  counts(): ProcessCounts
  /** Stops listening, and sends what there is, for 3 s at most. */
  close(): Promise<void>
}

/**
 * Opens one process's telemetry. Nothing of it is in anybody's way: what there is no room for is let go
 * and counted.
 * @throws RingfenceError `port_taken`, `not_writable`; `invalid_manifest` for files of secrets that
 *   cannot be read
 */
export async function openTelemetry(options: OpenTelemetryOptions): Promise<Telemetry> {
  const { plane, settings } = options
  const instance = `${plane}-${options.worker ?? process.pid}-${randomUUID().slice(0, 8)}`
  const registry = new Registry()
  const { resourceFromAttributes } = await import('@opentelemetry/resources')
  const resource = resourceFromAttributes({
    'service.name': `ringfence-${plane}`,
    'service.namespace': 'ringfence',
    'service.version': options.version,
    'service.instance.id': instance,
  })
  const read = () => registry.read()
  const otlp =
    settings.otlp &&
    (await openOtlp({
      settings: settings.otlp,
      headers: await headersIn(settings.otlp.headersFile),
      resource,
      metrics: read,
      closeMs: options.closeMs ?? CLOSE_MS,
    }))
  const server = new ServerTelemetry({
    ...settings.tenants,
    plane,
    name: `ringfence.${plane}`,
    sampler: new Sampler(settings.sampling),
    spans: otlp?.spans,
  })
  const logs = otlp?.logs
  const log = new JsonLog({
    fields: { plane, instance },
    level: settings.level,
    write: options.write,
    ...(logs === undefined ? {} : { record: (record) => logs.add(record) }),
    trace: currentTrace,
  })
  const ofProcess = processMetrics()
  registry.add(ofProcess.source)
  registry.add(() => server.metrics())
  if (otlp !== undefined) registry.add(() => queueMetrics(otlp))
  registry.add(() => [infoOf(plane, options.version), cutOf(registry)])
  const ranking = setInterval(() => server.rank(), RANK_MS).unref()
  const counts = () => ({ plane, instance, tenants: [...server.counts()] })
  let listening: Listening | undefined
  let closing: Promise<void> | undefined
  const end = async () => {
    clearInterval(ranking)
    ofProcess.close()
    await listening?.close()
    await otlp?.close()
  }
  const close = () => (closing ??= end())
  try {
    const { prometheus } = settings
    if (prometheus !== undefined) {
      const { tokenFile } = prometheus
      const token = tokenFile === undefined ? undefined : await secretIn(tokenFile)
      const app = telemetryApp({ text: () => prometheusText(read(), resource), counts, token })
      listening = await listen(app.fetch, prometheus.listen)
    }
    return {
      log: log.log,
      line: (line) => log.line(line),
      registry,
      server,
      spans: otlp?.spans,
      url: listening?.url,
      counts,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function infoOf(plane: string, version: string): Metric {
  return {
    ...{ name: 'ringfence.info', unit: '1', kind: 'gauge' },
    help: 'Always 1, with what runs.',
    points: [{ labels: { plane, version }, value: 1 }],
  }
}

function cutOf(registry: Registry): Metric {
  return {
    ...{ name: 'ringfence.telemetry.series.cut', unit: '{series}', kind: 'gauge' },
    help: 'Series that were left out of the last reading because there were too many.',
    points: [{ labels: {}, value: registry.cut }],
  }
}

function queueMetrics({ spans, logs, readings }: Otlp): readonly Metric[] {
  const queues = Object.entries({ traces: spans, logs }).flatMap(([signal, queue]) =>
    queue === undefined ? [] : [[signal, queue.counts] as const],
  )
  const points = (of: keyof ExportQueue<unknown>['counts']) =>
    queues.map(([signal, counts]) => ({ labels: { signal }, value: counts[of] }))
  const counter = (name: string, help: string, all: ReturnType<typeof points>) =>
    ({ name, help, unit: '1', kind: 'counter', points: all }) as const
  const reading = (value: number) => ({ labels: { signal: 'metrics' }, value })
  return [
    counter('ringfence.telemetry.sent', 'What a collector has taken.', [
      ...points('sent'),
      reading(readings.sent),
    ]),
    counter('ringfence.telemetry.dropped', 'What there was no room for.', points('dropped')),
    counter('ringfence.telemetry.lost', 'What a collector did not take.', [
      ...points('lost'),
      reading(readings.lost),
    ]),
    {
      ...{ name: 'ringfence.telemetry.waiting', unit: '{item}', kind: 'gauge' },
      ...{ help: 'What waits to be sent.', points: points('waiting') },
    },
  ]
}

async function headersIn(path: string | undefined): Promise<Readonly<Record<string, string>>> {
  if (path === undefined) return {}
  const lines = (await secretIn(path)).split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^\s*([\w-]+)\s*:\s*(.*?)\s*$/.exec(line) ?? []
      if (name === undefined || value === undefined) {
        throw new RingfenceError('invalid_manifest', `${path}: a line is not “name: value”`)
      }
      return [name, value]
    }),
  )
}

async function secretIn(path: string): Promise<string> {
  try {
    return (await readFile(path, 'utf8')).trim()
  } catch (error) {
    throw new RingfenceError('invalid_manifest', `${path}: ${messageOf(error)}`)
  }
}
