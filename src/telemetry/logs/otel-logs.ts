import type { Resource } from '@opentelemetry/resources'
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { hrTime } from '../traces/otel-spans.ts'
import type { Level, LogRecord } from './json-log.ts'

/** OpenTelemetry's numbers of severity. */
const SEVERITY: Readonly<Record<Level, number>> = { debug: 5, info: 9, warn: 13, error: 17 }
const SCOPE = { name: 'ringfence' }

/** A line of a log in the form that OpenTelemetry's exporters send on. */
export function readableLog(record: LogRecord, resource: Resource): ReadableLogRecord {
  const { time, level, message, tenant, traceId, spanId, fields } = record
  const { tenant: _tenant, trace_id: _trace, span_id: _span, time: _time, ...others } = fields
  const attributes: Record<string, string | number | boolean> = {}
  for (const [name, value] of Object.entries(others)) {
    if (value === undefined || value === null) continue
    attributes[name] = isPlain(value) ? value : JSON.stringify(value)
  }
  if (tenant !== undefined) attributes['tenant.id'] = tenant
  return {
    hrTime: hrTime(time),
    hrTimeObserved: hrTime(time),
    severityText: level.toUpperCase(),
    severityNumber: SEVERITY[level],
    body: message,
    ...(traceId === undefined
      ? {}
      : { spanContext: { traceId, spanId: spanId ?? '0'.repeat(16), traceFlags: 0 } }),
    resource,
    instrumentationScope: SCOPE,
    attributes,
    droppedAttributesCount: 0,
  }
}

function isPlain(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value)
}
