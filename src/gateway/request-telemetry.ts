import { newSpanId, newTrace, newTraceParent, parseTrace } from '../http/trace-context.ts'
import type { ServerTelemetry, ServerTrace } from '../telemetry/server-telemetry.ts'
import { billedTenant, grantUsed } from './grant-checks.ts'
import type { Exchange } from './exchange.ts'
import { type Headers, valuesOf } from './headers.ts'
import { Note } from './note.ts'

const traces = new Note<ServerTrace>()
const SAMPLED = 1

/** Where a request is in its trace: decided once, the caller's as far as it is well-formed. */
export function traceOf(exchange: Exchange, telemetry: ServerTelemetry): ServerTrace {
  const known = traces.get(exchange)
  if (known !== undefined) return known
  const parents = valuesOf(exchange.incoming, 'traceparent')
  if (parents.length === 0) return begun(exchange, telemetry)
  const parent = parents.length === 1 ? parseTrace({ traceparent: parents[0] }) : undefined
  const { traceId, flags } = parent ?? newTrace()
  const bits = Number.parseInt(flags, 16)
  const parentSampled = parent && (bits & SAMPLED) === SAMPLED
  const keeps = telemetry.keeps(exchange.tenant?.id, traceId, parentSampled)
  const trace: ServerTrace = {
    traceId,
    spanId: newSpanId(),
    parentSpanId: parent?.spanId,
    flags: ((bits & ~SAMPLED) | (keeps ? SAMPLED : 0)).toString(16).padStart(2, '0'),
    state: parent && stateOf(exchange, parents),
  }
  traces.set(exchange, trace)
  return trace
}

/** A trace that begins here, as most do: made of one text. */
function begun(exchange: Exchange, telemetry: ServerTelemetry): ServerTrace {
  const text = newTraceParent()
  const traceId = text.slice(3, 35)
  const keeps = telemetry.keeps(exchange.tenant?.id, traceId, undefined)
  const flags = keeps ? '01' : '00'
  const trace = { traceId, spanId: text.slice(36, 52), flags, state: undefined }
  traces.set(exchange, trace)
  return trace
}

function stateOf({ incoming }: Exchange, [traceparent]: readonly string[]): string | undefined {
  const tracestate = valuesOf(incoming, 'tracestate').join(',')
  return tracestate === '' ? undefined : parseTrace({ traceparent, tracestate })?.state
}

/** Its trace's id, once that was decided. */
export function tracedAs(exchange: Exchange): string | undefined {
  return traces.get(exchange)?.traceId
}

/** The trace fields for the next hop: its parent is the span that `recordEnd` makes. */
export function tracedFields(exchange: Exchange, telemetry: ServerTelemetry): Headers {
  const { traceId, spanId, flags, state } = traceOf(exchange, telemetry)
  const parent: [string, string] = ['traceparent', `00-${traceId}-${spanId}-${flags}`]
  return state === undefined ? [parent] : [parent, ['tracestate', state]]
}

/** What a request is counted under: a name of the contract, never its path. */
function operationOf({ endpoint, route, head }: Exchange): string {
  if (head.inner !== undefined) return route === undefined ? 'none' : `tool.${route.api.name}`
  return endpoint?.name ?? route?.api.name ?? 'none'
}

/** Counts a request that has ended, and keeps its span if its trace is kept. */
export function recordEnd(
  telemetry: ServerTelemetry,
  exchange: Exchange | undefined,
  status: number,
  milliseconds: number,
): void {
  telemetry.ended({
    tenant: exchange?.tenant?.id,
    operation: exchange === undefined ? 'none' : operationOf(exchange),
    status,
    milliseconds,
    bytes: exchange?.bytes,
    trace: exchange && telemetry.traces ? traceOf(exchange, telemetry) : undefined,
    attributes: () => (exchange === undefined ? {} : attributesOf(exchange)),
  })
}

/** No word of another tenant's: a grant's id is known to both sides of it. */
function attributesOf(exchange: Exchange): Readonly<Record<string, string>> {
  const upstream = exchange.route?.upstream.audience
  const grant = grantUsed(exchange)
  const billed = billedTenant(exchange)
  return {
    'ringfence.request.id': exchange.requestId,
    ...(upstream === undefined ? {} : { 'ringfence.upstream': upstream }),
    ...(grant === undefined ? {} : { 'ringfence.grant.id': grant.id }),
    ...(billed === undefined
      ? {}
      : { 'ringfence.billed': billed === exchange.tenant?.id ? 'own' : 'other' }),
  }
}
