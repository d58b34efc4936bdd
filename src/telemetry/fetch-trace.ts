import { newSpanId, newTrace, parseTrace } from '../http/trace-context.ts'
import type { ServerTrace } from './server-telemetry.ts'

/**
 * Where a request of our own services is in its trace: what they have sampled is sampled here. Without a
 * trace one begins that is not.
 */
export function traceOfHeaders(headers: Pick<Headers, 'get'>): ServerTrace {
  const parent = parseTrace({
    traceparent: headers.get('traceparent') ?? undefined,
    tracestate: headers.get('tracestate') ?? undefined,
  })
  if (parent === undefined) return newTrace()
  return { ...parent, spanId: newSpanId(), parentSpanId: parent.spanId }
}
