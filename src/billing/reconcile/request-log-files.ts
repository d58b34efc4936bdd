import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import type { TenantId } from '../../core/tenant.ts'
import type { Span } from '../rating/period.ts'
import type { GatewayLog, LoggedRequest } from './sides.ts'

/** What of a gateway's line about a request is compared. */
const lineSchema = z.object({
  time: z.iso.datetime(),
  request_id: z.string(),
  tenant: z.string().optional(),
  billed_tenant: z.string().optional(),
  /** Let through, and by itself an event: what was refused, or is counted with another, is none. */
  used: z.literal(true),
})

/**
 * Gateways' request logs as files of JSON lines. All of them are read for every day that is compared: a
 * directory with a file a day, handed over day by day, is for whoever has many.
 */
export class RequestLogFiles implements GatewayLog {
  readonly #files: (span: Span) => Promise<readonly string[]>

  /** @param files those that may have lines of a span */
  constructor(files: (span: Span) => Promise<readonly string[]>) {
    this.#files = files
  }

  async *read(tenant: TenantId, span: Span): AsyncIterable<LoggedRequest> {
    for (const file of await this.#files(span)) {
      const lines = createInterface({ input: createReadStream(file, 'utf8') })
      for await (const line of lines) {
        const request = requestOf(line, tenant)
        if (request !== undefined && span.from <= request.at && request.at < span.to) yield request
      }
    }
  }
}

/** Undefined for a line that is not of a request that this tenant pays for, and for one that was torn. */
function requestOf(line: string, tenant: TenantId): LoggedRequest | undefined {
  if (!line.includes(tenant)) return undefined
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return undefined
  }
  const read = lineSchema.safeParse(value)
  if (!read.success) return undefined
  const { request_id, time } = read.data
  const payer = read.data.billed_tenant ?? read.data.tenant
  if (payer !== tenant) return undefined
  return { id: request_id, at: new Date(time), values: {} }
}
