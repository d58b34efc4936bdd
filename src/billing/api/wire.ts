import type { Context } from 'hono'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { problemResponse } from '../../http/problem.ts'
import { plain } from '../invoices/canonical.ts'
import type { KeptInvoice } from '../invoices/invoice.ts'
import { invoiceCsv } from '../render/invoice-csv.ts'
import { invoicePdf } from '../render/invoice-pdf.ts'

const LIMIT = 50
const LIMIT_MAX = 200
const BODY_BYTES_MAX = 16 * 1024

/** JSON of anything that is ours: integers beyond JSON's as strings, nothing cached. */
export function jsonOf(value: unknown, status = 200): Response {
  return new Response(`${JSON.stringify(plain(value))}\n`, {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

export function wireInvoice({ invoice, hash, state }: KeptInvoice): object {
  return { ...invoice, hash, state }
}

/** A page of invoices, and where the next one begins. */
export function pageOf(items: readonly KeptInvoice[], limit: number): object {
  const last = items.length === limit ? items.at(-1)?.invoice.number : undefined
  return { items: items.map(wireInvoice), next: last ?? null }
}

export function csvOf({ invoice }: KeptInvoice): Response {
  return fileOf(invoiceCsv(invoice), 'text/csv; charset=utf-8', `${invoice.number}.csv`)
}

export async function pdfOf({ invoice, hash }: KeptInvoice): Promise<Response> {
  const pdf = Uint8Array.from(await invoicePdf(invoice, hash))
  return fileOf(pdf, 'application/pdf', `${invoice.number}.pdf`)
}

function fileOf(content: string | Uint8Array<ArrayBuffer>, type: string, name: string): Response {
  return new Response(content, {
    headers: {
      'content-type': type,
      'content-disposition': `attachment; filename="${name}"`,
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
  })
}

/** Each at most once, and only those. @throws RingfenceError `invalid_argument` */
export function queryOf<N extends string>(
  context: Context,
  names: readonly N[],
): Readonly<Partial<Record<N, string>>> {
  const found: Partial<Record<N, string>> = {}
  for (const [name, values] of Object.entries(context.req.queries())) {
    const known = names.find((one) => one === name)
    const [value] = values
    const isOne = value !== undefined && values.length === 1 && !value.includes('\0')
    if (known === undefined || !isOne) {
      throw new RingfenceError('invalid_argument', `the query has one ${names.join(', ')} at most`)
    }
    found[known] = value
  }
  return found
}

export function limitOf(text: string | undefined): number {
  if (text === undefined) return LIMIT
  const limit = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (limit >= 1 && limit <= LIMIT_MAX) return limit
  throw new RingfenceError('invalid_argument', `limit: is 1 to ${LIMIT_MAX}`)
}

export function timeOf(text: string | undefined, name: string): Date {
  const read = z.iso.datetime().safeParse(text)
  if (read.success) return new Date(read.data)
  throw new RingfenceError('invalid_argument', `${name}: is a time like 2026-07-01T00:00:00Z`)
}

/** The body, in a form. @throws RingfenceError `invalid_argument`, `too_large` */
export async function bodyOf<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const announced = Number(context.req.header('content-length') ?? '0')
  if (announced > BODY_BYTES_MAX) throw tooLarge()
  const text = await context.req.text()
  if (text.length > BODY_BYTES_MAX) throw tooLarge()
  let value: unknown
  try {
    value = text === '' ? {} : JSON.parse(text)
  } catch {
    throw new RingfenceError('invalid_argument', 'the body is not JSON')
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  const path = issue?.path.join('.') ?? ''
  throw new RingfenceError('invalid_argument', `${path === '' ? '' : `${path}: `}${issue?.message}`)
}

/** The part of a path that it must have. @throws RingfenceError `not_found` for what names nothing */
export function stepOf(context: Context, name: string): string {
  const step = context.req.param(name) ?? ''
  // No name has one, and PostgreSQL takes none.
  if (step.includes('\0')) throw new RingfenceError('not_found', 'there is no such thing')
  return step
}

export function tenantOf(context: Context) {
  return parseTenantId(stepOf(context, 'tenant'))
}

/** Every error of a router, and what there is not. */
export function refusal(error: unknown, log: (line: string) => void): Response {
  if (!(error instanceof RingfenceError)) {
    log(`billing: ${error instanceof Error ? error.name : 'unknown'}`)
  } else if (error.code === 'internal') log(`billing: ${error.detail ?? error.message}`)
  return problemResponse(error)
}

export function nothing(): Response {
  return problemResponse(new RingfenceError('not_found', 'there is no such thing'))
}

function tooLarge(): RingfenceError {
  return new RingfenceError('too_large', 'the body is too large')
}
