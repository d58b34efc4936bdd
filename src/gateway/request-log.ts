import type { Exchange } from './exchange.ts'

export interface RequestEnd {
  readonly requestId: string
  readonly exchange: Exchange | undefined
  readonly method: string
  readonly status: number
  readonly milliseconds: number
  /** Why it was refused or cut off. */
  readonly reason: string | undefined
}

/** One JSON line a request. Paths and queries are left out: they hold what users type. */
export function requestLine(end: RequestEnd): string {
  const { exchange, status, reason } = end
  // Until a token is accepted its subject is only a claim.
  const subject = status === 401 ? undefined : exchange?.claimed?.subject
  return JSON.stringify({
    time: new Date().toISOString(),
    request_id: end.requestId,
    tenant: exchange?.tenant?.id,
    subject,
    route: exchange?.endpoint?.name ?? exchange?.route?.api.name,
    method: end.method,
    status,
    ms: Math.round(end.milliseconds * 10) / 10,
    reason,
  })
}
