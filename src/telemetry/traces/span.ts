/** A span that has ended. Attributes are names of contracts and words of closed lists, never a path or a query. */
export interface SpanRecord {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string | undefined
  readonly name: string
  readonly kind: 'server' | 'client' | 'internal'
  /** Milliseconds since 1970, with fractions. */
  readonly startMs: number
  readonly durationMs: number
  readonly failed: boolean
  readonly attributes: Readonly<Record<string, string | number | boolean>>
}

/** Takes spans; it never waits and never throws. */
export interface SpanSink {
  add(span: SpanRecord): void
}
