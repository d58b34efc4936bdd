import type { TenantId } from '../core/tenant.ts'
import type { TraceContext } from '../http/trace-context.ts'
import type { Metric } from './metrics/metric.ts'
import {
  type Outcome,
  outcomeOf,
  type PassedBytes,
  RequestMetrics,
} from './metrics/request-metrics.ts'
import type { RequestMetricsOptions, TenantCounts } from './metrics/request-metrics.ts'
import type { Sampler } from './traces/sampler.ts'
import type { SpanSink } from './traces/span.ts'

/** Where a request is in its trace, as this process goes on with it. */
export interface ServerTrace extends TraceContext {
  /** The caller's span, if it came with one. */
  readonly parentSpanId?: string | undefined
}

export interface EndedRequest {
  /** One that there is: never a name that only a caller says. */
  readonly tenant: TenantId | undefined
  /** A name of a contract, or of a closed list. */
  readonly operation: string
  /** As HTTP has it. */
  readonly status: number
  readonly milliseconds: number
  readonly bytes?: PassedBytes | undefined
  /** Absent: it is counted, and is in no trace. */
  readonly trace?: ServerTrace | undefined
  /** Further names of contracts and closed lists, for its span alone. Asked only when one is kept. */
  readonly attributes?: () => Readonly<Record<string, string | number | boolean>>
}

export interface ServerTelemetryOptions extends RequestMetricsOptions {
  /** What spans' names begin with: `gateway`. */
  readonly plane: string
  readonly sampler: Sampler
  /** Absent: nobody wants spans. */
  readonly spans: SpanSink | undefined
}

/** What one plane records of its requests. */
export class ServerTelemetry {
  readonly #plane: string
  readonly #requests: RequestMetrics
  readonly #sampler: Sampler
  readonly #spans: SpanSink | undefined

  constructor(options: ServerTelemetryOptions) {
    this.#plane = options.plane
    this.#requests = new RequestMetrics(options)
    this.#sampler = options.sampler
    this.#spans = options.spans
  }

  /** Whether traces are of any use: somebody wants spans. */
  get traces(): boolean {
    return this.#spans !== undefined
  }

  /**
   * Whether a trace is kept: what its next hop is told. To be asked once, when a request has come in.
   * @param parentSampled what the caller said; undefined when the trace begins here
   */
  keeps(
    tenant: TenantId | undefined,
    traceId: string,
    parentSampled: boolean | undefined,
  ): boolean {
    return this.#spans !== undefined && this.#sampler.keeps(tenant, traceId, parentSampled)
  }

  /** To be called once, at the end of each request. */
  ended(request: EndedRequest): void {
    const { tenant, operation, status, milliseconds, bytes, trace } = request
    const outcome = outcomeOf(status)
    this.#requests.record(tenant, operation, outcome, milliseconds * 1000, bytes)
    if (trace === undefined || this.#spans === undefined) return
    const failed = outcome === 'failed'
    if (!isSampled(trace) && !(failed && this.#sampler.keepsFailure(tenant))) return
    this.#span(this.#spans, request, trace, outcome)
  }

  #span(spans: SpanSink, request: EndedRequest, trace: ServerTrace, outcome: Outcome): void {
    const { tenant, operation, status, milliseconds, attributes } = request
    spans.add({
      traceId: trace.traceId,
      spanId: trace.spanId,
      parentSpanId: trace.parentSpanId,
      name: `${this.#plane} ${operation}`,
      kind: 'server',
      startMs: performance.timeOrigin + performance.now() - milliseconds,
      durationMs: milliseconds,
      failed: outcome === 'failed',
      attributes: {
        ...(tenant === undefined ? {} : { 'tenant.id': tenant }),
        'ringfence.operation': operation,
        'ringfence.outcome': outcome,
        'http.response.status_code': status,
        ...attributes?.(),
      },
    })
  }

  rank(): void {
    this.#requests.rank()
  }

  metrics(): readonly Metric[] {
    return this.#requests.metrics()
  }

  counts(): readonly TenantCounts[] {
    return this.#requests.counts()
  }
}

export function isSampled({ flags }: Pick<TraceContext, 'flags'>): boolean {
  return (Number.parseInt(flags, 16) & 1) === 1
}
