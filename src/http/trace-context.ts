import { randomFillSync } from 'node:crypto'

/** Where a request is in a trace: W3C Trace Context, level 1. */
export interface TraceContext {
  /** 32 hexadecimal digits, not all zero. */
  readonly traceId: string
  /** 16 hexadecimal digits, not all zero: the span that is ours, or the caller's when it was taken over. */
  readonly spanId: string
  /** 2 hexadecimal digits; the lowest bit says that it is sampled. */
  readonly flags: string
  /** The vendors' own list, as it came. */
  readonly state: string | undefined
}

/** The two headers as they came. Several `traceparent` headers, joined or not, are none. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined
  readonly tracestate?: string | undefined
}

const VERSION_00 = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/
/** A later version is read as far as version 00 goes (section 3.2.4 of the recommendation). */
const LATER_VERSION =
  /^(?!00|ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x21-\x7e]*)?$/
const TRACEPARENT_CHARACTERS_MAX = 200
const ZEROS = /^0+$/
/** Section 3.3.1.5: at least 512 characters are passed on; more, or what is not printable, is dropped. */
const STATE = /^[\x20-\x7e\t]{1,512}$/
const STATE_MEMBERS_MAX = 32

/** Reads the headers. Undefined when they name no trace: then a new one begins. */
export function parseTrace(headers: TraceHeaders): TraceContext | undefined {
  const text = headers.traceparent ?? ''
  if (text.length > TRACEPARENT_CHARACTERS_MAX) return undefined
  const [, traceId = '', spanId = '', flags = ''] =
    VERSION_00.exec(text) ?? LATER_VERSION.exec(text) ?? []
  if (flags === '' || ZEROS.test(traceId) || ZEROS.test(spanId)) return undefined
  return { traceId, spanId, flags, state: parseState(headers.tracestate) }
}

function parseState(text: string | undefined): string | undefined {
  if (text === undefined || !STATE.test(text)) return undefined
  return text.split(',').length > STATE_MEMBERS_MAX ? undefined : text
}

/** A trace that begins here, not sampled. */
export function newTrace(): TraceContext {
  return { traceId: hex(16), spanId: hex(8), flags: '00', state: undefined }
}

/** The same as the field `traceparent` of a call: a trace that begins with it. */
export function newTraceParent(): string {
  const text = hex(24)
  const [traceId, spanId] = [text.slice(0, 32), text.slice(32)]
  return isZero(traceId) || isZero(spanId) ? newTraceParent() : `00-${traceId}-${spanId}-00`
}

/** Most do not begin with one, which is seen at once. */
function isZero(text: string): boolean {
  return text.startsWith('0') && ZEROS.test(text)
}

/** A span's id, for whoever makes one. */
export function newSpanId(): string {
  return hex(8)
}

/** The headers of a call that belongs to the trace, with a span id of its own. */
export function traceHeaders(trace: TraceContext): Readonly<Record<string, string>> {
  return {
    traceparent: `00-${trace.traceId}-${hex(8)}-${trace.flags}`,
    ...(trace.state === undefined ? {} : { tracestate: trace.state }),
  }
}

/** Asking for random bytes costs the same for few as for many. Trace ids are no secret. */
const pool = Buffer.alloc(4096)
let used = pool.length

function hex(bytes: number): string {
  if (used + bytes > pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const text = pool.toString('hex', used, used + bytes)
  used += bytes
  return isZero(text) ? hex(bytes) : text
}
