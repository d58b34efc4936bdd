import { AsyncLocalStorage } from 'node:async_hooks'
import type { TraceContext } from '../../http/trace-context.ts'

const traces = new AsyncLocalStorage<TraceContext>()

/**
 * Runs something as part of a trace: what is logged meanwhile says so. For planes whose requests are
 * few; the gateway says the trace in its own lines.
 */
export function inTrace<T>(trace: TraceContext, work: () => T): T {
  return traces.run(trace, work)
}

/** The trace that this moment belongs to, if any. */
export function currentTrace(): TraceContext | undefined {
  return traces.getStore()
}
