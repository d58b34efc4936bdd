import type { Exchange } from './exchange.ts'
import { findingsOf } from './guardrail-checks.ts'
import { decidedBy } from './policy-checks.ts'

export interface RequestEnd {
  readonly requestId: string
  /** Of the request that the context was signed for which went upstream with this one. */
  readonly contextRequestId: string | undefined
  readonly exchange: Exchange | undefined
  readonly method: string
  readonly status: number
  readonly milliseconds: number
  /** Why it was refused or cut off. */
  readonly reason: string | undefined
}

/** One JSON line a request. Paths and queries are left out: they hold what users type. */
export function requestLine(end: RequestEnd): string {
  const { exchange, status, reason, contextRequestId } = end
  // Until a token is accepted its subject is only a claim.
  const subject = status === 401 ? undefined : exchange?.claimed?.subject
  return JSON.stringify({
    time: new Date().toISOString(),
    request_id: end.requestId,
    context_request_id: contextRequestId === end.requestId ? undefined : contextRequestId,
    tenant: exchange?.tenant?.id,
    subject,
    route: exchange?.endpoint?.name ?? exchange?.route?.api.name,
    method: end.method,
    status,
    ms: Math.round(end.milliseconds * 10) / 10,
    policies: exchange && decidedBy(exchange),
    findings: exchange && findingsOf(exchange),
    reason,
  })
}
