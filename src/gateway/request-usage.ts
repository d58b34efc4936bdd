import { messageOf } from '../core/errors.ts'
import type { UsageEvent, UsageSink } from '../usage/usage-event.ts'
import type { Exchange } from './exchange.ts'
import { billedTenant, grantUsed } from './grant-checks.ts'
import { Denial } from './denial.ts'
import { Note } from './note.ts'
import { operationOf } from './openapi-checks.ts'

/** Set for a message of an agent's whose calls of tools are counted by themselves. */
export const countedWithin = new Note<true>()

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
    const { tenant, head } = exchange
    const isCounted =
      head.inner === undefined ? countedWithin.get(exchange) !== true : head.inner.counts === true
    if (tenant === undefined || !isCounted) return undefined
    const event = this.#eventOf(exchange, tenant.id, status, milliseconds, reason)
    return this.#sink.write([event]).catch(notEntered)
  }

  #eventOf(
    exchange: Exchange,
    tenant: UsageEvent['tenantid'],
    status: number,
    milliseconds: number,
    reason: string | undefined,
  ): UsageEvent {
    const { route, endpoint, head, claimed, bytes } = exchange
    const grant = grantUsed(exchange)
    const data: Record<string, string | number | boolean> = {
      // What it was, and never its path: that is what users type.
      api: endpoint?.name ?? route?.api.name ?? '',
      method: head.method,
      status: `${Math.floor(status / 100)}xx`,
      request_bytes: bytes.request,
      response_bytes: bytes.answer,
      duration_ms: Math.round(milliseconds),
      cost: route?.api.cost ?? 1,
    }
    if (route !== undefined) data['upstream'] = route.upstream.audience
    if (claimed !== undefined) data['client'] = claimed.client
    const operation = operationOf(exchange)?.operation.id
    const tool = head.inner?.tool
    if (operation !== undefined) data['operation'] = PLAIN.test(operation) ? operation : '?'
    if (tool !== undefined) data['tool'] = PLAIN.test(tool) ? tool : '?'
    if (reason !== undefined) data['cut'] = true
    return {
      specversion: '1.0',
      id: exchange.requestId,
      source: this.#source,
      type: 'dev.ringfence.request',
      time: new Date().toISOString(),
      tenantid: billedTenant(exchange) ?? tenant,
      ...(grant === undefined ? {} : { tenantcontextid: tenant, grantid: grant.id }),
      ...(claimed === undefined ? {} : { subject: claimed.subject }),
      data,
    }
  }
}

function notEntered(error: unknown): never {
  const why = `usage is not entered: ${messageOf(error)}`
  throw new Denial('overloaded', 'this cannot be recorded now: try again', why, [
    ['retry-after', '1'],
  ])
}
