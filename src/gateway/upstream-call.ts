import type { Headers } from './headers.ts'

/** A request that is with a service, or on its way there. */
export interface UpstreamCall {
  /** Ends it. Nothing more is told of it. */
  abort(error: Error): void
}

/** What is told of it. */
export interface UpstreamAnswer {
  /** Never for informational answers. */
  onHead(flow: Flow, status: number, fields: Headers): void
  onData(chunk: Buffer): void
  /** Before its end, if at all. @param fields as Node's `rawHeaders` */
  onTrailers?(fields: readonly string[]): void
  onEnd(): void
  /** Instead of an end. @param isLost when a connection that was used before ended under the request */
  onError(error: Error, isLost: boolean): void
}

/** How fast an answer comes. */
export interface Flow {
  pause(): void
  resume(): void
}
