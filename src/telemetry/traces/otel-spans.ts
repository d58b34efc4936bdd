import type { HrTime } from '@opentelemetry/api'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import type { SpanRecord } from './span.ts'

// As the API's enums have them.
const KIND = { internal: 0, server: 1, client: 2 } as const
const STATUS = { unset: 0, error: 2 } as const
const SAMPLED = 1
const SCOPE = { name: 'ringfence' }

/**
 * A span in the form that OpenTelemetry's exporters send on. Ours have ended when they are made: nothing
 * of the SDK is in the way of a request.
 */
export function readableSpan(span: SpanRecord, resource: Resource): ReadableSpan {
  const { traceId, spanId, parentSpanId, name, kind, startMs, durationMs, failed } = span
  return {
    name,
    kind: KIND[kind],
    spanContext: () => ({ traceId, spanId, traceFlags: SAMPLED }),
    ...(parentSpanId === undefined
      ? {}
      : {
          parentSpanContext: {
            traceId,
            spanId: parentSpanId,
            traceFlags: SAMPLED,
            isRemote: kind === 'server',
          },
        }),
    startTime: hrTime(startMs),
    endTime: hrTime(startMs + durationMs),
    duration: hrTime(durationMs),
    status: { code: failed ? STATUS.error : STATUS.unset },
    attributes: span.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: SCOPE,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  }
}

export function hrTime(milliseconds: number): HrTime {
  const seconds = Math.floor(milliseconds / 1000)
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)]
}
