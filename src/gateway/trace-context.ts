import { newTrace, newTraceParent, parseTrace, traceHeaders } from '../http/trace-context.ts'
import { type Headers, valuesOf } from './headers.ts'

/**
 * The trace fields for the next hop: the caller's trace with a span of our own, or a new trace. What
 * is not well-formed is not passed on, and neither is a state without its trace.
 */
export function nextTrace(incoming: Headers): Headers {
  const parents = valuesOf(incoming, 'traceparent')
  if (parents.length === 0) return [['traceparent', newTraceParent()]]
  const state = valuesOf(incoming, 'tracestate').join(',')
  const headers = { traceparent: parents[0], tracestate: state === '' ? undefined : state }
  const trace = parents.length === 1 ? parseTrace(headers) : undefined
  return Object.entries(traceHeaders(trace ?? newTrace()))
}
