import type { TenantId } from '../../core/tenant.ts'
import type { Micros } from '../../metering/usage-readings.ts'
import type { Span } from '../rating/period.ts'

/** One request as a gateway's own log says it. */
export interface LoggedRequest {
  /** The request's id, which is its usage event's too. */
  readonly id: string
  readonly at: Date
  /** What the log says of it that an event says too. */
  readonly values: Readonly<Record<string, bigint>>
}

/** What gateways wrote down themselves, whatever became of their usage events. */
export interface GatewayLog {
  /** Requests for which this tenant pays, in any order, each once or more. */
  read(tenant: TenantId, span: Span): AsyncIterable<LoggedRequest>
}

/** One usage event as it was taken in. */
export interface RecordedEvent {
  readonly source: string
  readonly id: string
  readonly at: Date
  readonly receivedAt: Date
  /** False for one that was corrected or taken back, and for what takes back. */
  readonly counts: boolean
  readonly values: Readonly<Record<string, bigint>>
}

/** What was metered, event by event. */
export interface RecordedUsage {
  /** Those that gateways sent, of requests. */
  requests(tenant: TenantId, span: Span): AsyncIterable<RecordedEvent>
  /** All that came in since a moment and are of a span: what made an invoice wrong. @param most so many */
  receivedSince(
    tenant: TenantId,
    span: Span,
    moment: Date,
    most: number,
  ): Promise<readonly RecordedEvent[]>
  /** What a meter says by its events alone. */
  total(
    tenant: TenantId,
    meter: string,
    where: Readonly<Record<string, string>>,
    span: Span,
  ): Promise<Micros>
}
