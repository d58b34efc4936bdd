import type { Exchange } from './exchange.ts'
import { findingsOf } from './guardrail-checks.ts'
import { billedTenant, grantUsed } from './grant-checks.ts'
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
  const { exchange, status, reason, requestId, contextRequestId } = end
  // Until a token is accepted its subject is only a claim.
  const subject = status === 401 ? undefined : exchange?.claimed?.subject
  const fields = [
    field('time', timeNow()),
    field('request_id', requestId),
    field('context_request_id', contextRequestId === requestId ? undefined : contextRequestId),
    field('tenant', exchange?.tenant?.id),
    field('subject', subject),
    field('grant', exchange && grantUsed(exchange)?.id),
    field('billed_tenant', exchange && billedTenant(exchange)),
    field('within', exchange?.head.inner?.within),
    field('tool', exchange?.head.inner?.tool),
    field('route', exchange?.endpoint?.name ?? exchange?.route?.api.name),
    field('method', end.method),
    field('status', status),
    field('ms', Math.round(end.milliseconds * 10) / 10),
    field('policies', exchange && decidedBy(exchange)),
    field('findings', exchange && findingsOf(exchange)),
    field('reason', reason),
  ]
  return `{${fields.join('').slice(1)}}`
}

/** One at a time: that takes a third of what a whole object does. */
function field(name: string, value: unknown): string {
  return value === undefined ? '' : `,"${name}":${JSON.stringify(value)}`
}

let textAt = 0
let text = ''

function timeNow(): string {
  const now = Date.now()
  if (now !== textAt) {
    textAt = now
    text = new Date(now).toISOString()
  }
  return text
}
