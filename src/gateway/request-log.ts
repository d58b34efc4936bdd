import { jsonText } from './json-text.ts'
import type { Exchange } from './exchange.ts'
import { findingsOf } from './guardrail-checks.ts'
import { billedTenant, grantUsed } from './grant-checks.ts'
import { decidedBy } from './policy-checks.ts'
import { tracedAs } from './request-telemetry.ts'

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
  /** Whether a usage event is to tell of it. */
  readonly used: boolean
}

/** One JSON line a request. Paths and queries are left out: they hold what users type. */
export function requestLine(end: RequestEnd): string {
  const { exchange, status, requestId, contextRequestId } = end
  // One text after another: an object that is then made into one takes several times as long.
  let line = `{"time":"${timeNow()}"${text('request_id', requestId)}`
  if (contextRequestId !== requestId) line += text('context_request_id', contextRequestId)
  if (exchange !== undefined) line += whose(exchange, status)
  line += `,"method":${jsonText(end.method)},"status":${status}`
  line += `,"ms":${Math.round(end.milliseconds * 10) / 10}`
  if (exchange !== undefined) {
    line += texts('policies', decidedBy(exchange))
    const findings = findingsOf(exchange)
    line += text('trace_id', tracedAs(exchange))
    if (findings !== undefined) line += `,"findings":${JSON.stringify(findings)}`
  }
  if (end.used) line += ',"used":true'
  return `${line}${text('reason', end.reason)}}`
}

function whose(exchange: Exchange, status: number): string {
  const { tenant, claimed, endpoint, route, head } = exchange
  // Until a token is accepted its subject is only a claim.
  const subject = status === 401 ? undefined : claimed?.subject
  let line = text('tenant', tenant?.id) + text('subject', subject)
  const grant = grantUsed(exchange)
  if (grant !== undefined) {
    line += text('grant', grant.id) + text('billed_tenant', billedTenant(exchange))
  }
  if (head.inner !== undefined) {
    line += text('within', head.inner.within) + text('tool', head.inner.tool)
  }
  return line + text('route', endpoint?.name ?? route?.api.name)
}

/** @param name one that needs no escapes */
function text(name: string, value: string | undefined): string {
  return value === undefined ? '' : `,"${name}":${jsonText(value)}`
}

function texts(name: string, values: readonly string[] | undefined): string {
  if (values === undefined) return ''
  let list = ''
  for (const value of values) list += list === '' ? jsonText(value) : `,${jsonText(value)}`
  return `,"${name}":[${list}]`
}

let second = 0
let secondText = ''

/** ISO 8601 to the millisecond. Of a second's requests all but the last three digits is the same. */
function timeNow(): string {
  const now = Date.now()
  const milliseconds = now % 1000
  if (now - milliseconds !== second) {
    second = now - milliseconds
    secondText = new Date(second).toISOString().slice(0, -4)
  }
  return `${secondText}${String(milliseconds).padStart(3, '0')}Z`
}
