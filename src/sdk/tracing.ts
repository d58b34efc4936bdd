import type * as OpenTelemetry from '@opentelemetry/api'
import type { Attributes, Tracer } from '@opentelemetry/api'
import type { TraceContext } from '../http/trace-context.ts'

/** Something that takes a while, and belongs to a trace. */
export interface ServiceSpan {
  /** What belongs to it: calls carry it on, statements are tagged with it. */
  readonly trace: TraceContext
  /** @param error what it ended with, if it did not succeed */
  end(error?: unknown): void
}

/** Where a service's spans go. Default nowhere. */
export interface ServiceTracer {
  start(name: string, parent: TraceContext, attributes: Attributes): ServiceSpan
}

const STATUS_ERROR = 2

/**
 * Spans by the service's own OpenTelemetry: its tracer, sampler and exporter. The package is the
 * service's: the SDK loads none.
 * @param api `@opentelemetry/api`, as the service imports it
 */
export function openTelemetryTracer(
  api: Pick<typeof OpenTelemetry, 'trace' | 'context' | 'ROOT_CONTEXT' | 'createTraceState'>,
  tracer: Tracer = api.trace.getTracer('ringfence'),
): ServiceTracer {
  return {
    start(name, parent, attributes) {
      const active = api.trace.getSpanContext(api.context.active())
      // What the service itself has begun for the request stands between.
      const context =
        active?.traceId === parent.traceId
          ? api.context.active()
          : api.trace.setSpanContext(api.ROOT_CONTEXT, {
              traceId: parent.traceId,
              spanId: parent.spanId,
              traceFlags: Number.parseInt(parent.flags, 16) & 1,
              isRemote: true,
              ...(parent.state === undefined
                ? {}
                : { traceState: api.createTraceState(parent.state) }),
            })
      const span = tracer.startSpan(name, { attributes }, context)
      const { traceId, spanId, traceFlags } = span.spanContext()
      return {
        trace: {
          traceId,
          spanId,
          flags: traceFlags.toString(16).padStart(2, '0'),
          state: parent.state,
        },
        end(error) {
          if (error !== undefined) span.setStatus({ code: STATUS_ERROR, message: codeOf(error) })
          span.end()
        },
      }
    },
  }
}

/** A code, and not a message: those may hold data. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'error'
}

/** Runs something as a span, if anybody wants one. */
export async function inSpan<T>(
  tracer: ServiceTracer | undefined,
  name: string,
  parent: TraceContext,
  attributes: Attributes,
  work: (trace: TraceContext) => Promise<T>,
): Promise<T> {
  if (tracer === undefined) return work(parent)
  const span = tracer.start(name, parent, attributes)
  try {
    const result = await work(span.trace)
    span.end()
    return result
  } catch (error) {
    span.end(error ?? new Error('unknown'))
    throw error
  }
}
