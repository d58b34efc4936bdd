import { messageOf } from '../core/errors.ts'
import type { UsageEvent, UsageSink } from '../usage/usage-event.ts'
import type { Exchange } from './exchange.ts'
import { billedTenant, grantUsed } from './grant-checks.ts'
import { Denial } from './denial.ts'
import { Note } from './note.ts'
import { operationOf } from './openapi-checks.ts'

/** Set for a message of an agent's whose calls of tools are counted by themselves. */
export const countedWithin = new Note<true>()

export const REQUEST_EVENT = 'dev.ringfence.request'
/** What an operation or a tool is called says whoever describes it: nothing that no store could keep. */
const PLAIN = /^[\x20-\x7e]{1,200}$/

/** Enters each request that was let through, once, for whoever pays for it. */
export class RequestUsage {
  readonly #sink: UsageSink
  readonly #source: string

  constructor(sink: UsageSink, source: string) {
    this.#sink = sink
    this.#source = source
  }

  /**
   * Undefined for what is counted by another request: a message of an agent's and the calls in it are
   * counted by the calls, and a call that takes several requests by one of them.
   * @param reason why it was cut off or refused after all
   * @throws Denial when it cannot be entered
   */
  used(
    exchange: Exchange,
    status: number,
    milliseconds: number,
    reason: string | undefined,
  ): Promise<void> | undefined {
    const used = usedBy(exchange)
    if (used === undefined) return undefined
    const event = this.#eventOf(exchange, used, status, milliseconds, reason)
    return this.#sink.write([event]).catch(notEntered)
  }

  #eventOf(
    { requestId, bytes }: Exchange,
    { data, ...whose }: Used,
    status: number,
    milliseconds: number,
    reason: string | undefined,
  ): UsageEvent {
    data['status'] = statusClass(status)
    data['request_bytes'] = bytes.request
    data['response_bytes'] = bytes.answer
    data['duration_ms'] = Math.round(milliseconds)
    if (reason !== undefined) data['cut'] = true
    return {
      specversion: '1.0',
      id: requestId,
      source: this.#source,
      type: REQUEST_EVENT,
      time: new Date().toISOString(),
      ...whose,
      data,
    }
  }
}

/** `2xx`. */
export const statusClass = (status: number) => `${Math.floor(status / 100)}xx`

/** What an event says of a request from the moment that all checks have let it through. */
export interface Used
  extends Pick<UsageEvent, 'tenantid' | 'tenantcontextid' | 'grantid' | 'subject'> {
  /** Whoever knows how it ended adds that. */
  readonly data: Record<string, string | number | boolean>
}

/** Undefined for what is counted by another request, and where no tenant is called. */
export function usedBy(exchange: Exchange): Used | undefined {
  const { tenant, route, endpoint, head, claimed } = exchange
  if (tenant === undefined || !isCounted(exchange)) return undefined
  const data: Used['data'] = {
    // What it was, and never its path: that is what users type.
    api: endpoint?.name ?? route?.api.name ?? '',
    method: head.method,
    cost: route?.api.cost ?? 1,
  }
  if (route !== undefined) data['upstream'] = route.upstream.audience
  if (claimed !== undefined) data['client'] = claimed.client
  const operation = operationOf(exchange)?.operation.id
  const tool = head.inner?.tool
  if (operation !== undefined) data['operation'] = PLAIN.test(operation) ? operation : '?'
  if (tool !== undefined) data['tool'] = PLAIN.test(tool) ? tool : '?'
  const grant = grantUsed(exchange)
  return {
    tenantid: billedTenant(exchange) ?? tenant.id,
    ...(grant === undefined ? {} : { tenantcontextid: tenant.id, grantid: grant.id }),
    ...(claimed === undefined ? {} : { subject: claimed.subject }),
    data,
  }
}

/** Whether a request that was let through is an event of its own. */
export function isCounted(exchange: Exchange): boolean {
  const { inner } = exchange.head
  return inner === undefined ? countedWithin.get(exchange) !== true : inner.counts === true
}

function notEntered(error: unknown): never {
  const why = `usage is not entered: ${messageOf(error)}`
  throw new Denial('overloaded', 'this cannot be recorded now: try again', why, [
    ['retry-after', '1'],
  ])
}
