import { randomBytes } from 'node:crypto'
import { type Headers, valuesOf } from './headers.ts'

/** W3C Trace Context, section 3.2, version 00. */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
const TRACESTATE_LENGTH_MAX = 512

/**
 * The trace fields for the next hop: the caller's trace with a span of our own, or a new trace. What
 * is not well-formed is not passed on, and neither is a state without its trace.
 */
export function traceHeaders(incoming: Headers): Headers {
  const parents = valuesOf(incoming, 'traceparent')
  const [, trace = '', parent = '', flags = ''] = TRACEPARENT.exec(parents[0] ?? '') ?? []
  const span = randomBytes(8).toString('hex')
  if (parents.length !== 1 || !/[^0]/.test(trace) || !/[^0]/.test(parent)) {
    return [['traceparent', `00-${randomBytes(16).toString('hex')}-${span}-00`]]
  }
  const state = valuesOf(incoming, 'tracestate').join(',')
  const next: [string, string] = ['traceparent', `00-${trace}-${span}-${flags}`]
  return state === '' || state.length > TRACESTATE_LENGTH_MAX
    ? [next]
    : [next, ['tracestate', state]]
}
