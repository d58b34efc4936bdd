import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { canonicalJson, contentHash, plain } from '../invoices/canonical.ts'
import {
  INVOICE_STATES,
  type Invoice,
  type InvoiceState,
  invoiceSchema,
  type Issuer,
  type KeptInvoice,
} from '../invoices/invoice.ts'
import type { Queries } from '../../database/pooled-database.ts'

export type InvoiceEvent = 'finalised' | 'void' | 'submitted' | 'paid' | 'payment-failed'

const rowSchema = z.object({
  content: z.string(),
  hash: z.string(),
  state: z.enum(INVOICE_STATES),
})

const STATE = `case when exists (select from billing.invoice_event e where e.tenant = invoice.tenant
      and e.number = invoice.number and e.kind = 'void') then 'void'
    when exists (select from billing.invoice_event e where e.tenant = invoice.tenant
      and e.number = invoice.number and e.kind = 'paid') then 'paid'
    else 'final' end`
const COLUMNS = `invoice.content, invoice.hash, ${STATE} as state`

export interface ListAsked {
  readonly limit: number
  readonly before?: string | undefined
  readonly since?: Date | undefined
}

/** The first moment that an invoice bills. */
export function beganAt({ segments, from }: Pick<Invoice, 'segments' | 'from'>): Date {
  return segments[0]?.from ?? from
}

/** Keeps others from making or voiding invoices of a tenant until the transaction ends. */
export async function lockTenant(tx: Queries, tenant: TenantId): Promise<void> {
  await tx.query('insert into billing.tenant (id) values ($1) on conflict do nothing', [tenant])
  await tx.query('select from billing.tenant where id = $1 for update', [tenant])
}

/** @throws RingfenceError `internal` for content that is not what was hashed: it is not shown */
function keptOf(row: unknown): KeptInvoice {
  const { content, hash, state } = rowSchema.parse(row)
  const invoice = invoiceSchema.parse(JSON.parse(content))
  if (contentHash(invoice) !== hash) {
    throw new RingfenceError('internal', 'an invoice is not as it was sent', {
      detail: invoice.number,
    })
  }
  return { invoice, hash, state }
}

export async function findInvoice(
  tx: Queries,
  tenant: TenantId,
  number: string,
): Promise<KeptInvoice | undefined> {
  const [row] = await tx.query(
    `select ${COLUMNS} from billing.invoice where tenant = $1 and number = $2`,
    [tenant, number],
  )
  return row === undefined ? undefined : keptOf(row)
}

/**
 * Newest first.
 * @param before the last of the page before it
 * @param since nothing of what was billed before
 */
export async function listInvoices(
  tx: Queries,
  tenant: TenantId,
  { limit, before, since }: ListAsked,
): Promise<readonly KeptInvoice[]> {
  const rows = await tx.query(
    `select ${COLUMNS} from billing.invoice where tenant = $1 and ($3::text is null or
       (issued_at, number) < (select issued_at, number from billing.invoice
                               where tenant = $1 and number = $3))
        and began_at >= $4
      order by issued_at desc, number desc limit $2`,
    [tenant, limit, before ?? null, since ?? new Date(0)],
  )
  return rows.map(keptOf)
}

/** Those in force, of any period since. */
export async function invoicesInForce(
  tx: Queries,
  tenant: TenantId,
  since: Date,
): Promise<readonly Invoice[]> {
  const rows = await tx.query(
    `select ${COLUMNS} from billing.in_force join billing.invoice using (tenant, number)
      where tenant = $1 and began_at >= $2 order by invoice.issued_at, invoice.number`,
    [tenant, since],
  )
  return rows.map((row) => keptOf(row).invoice)
}

/**
 * Gives the next number of an issuer's series and enters the document under it. Whoever else would have
 * one waits until the transaction ends, and takes this number if it does not commit: there is no gap.
 */
export async function enterInvoice(
  tx: Queries,
  series: Invoice['series'],
  issuer: Issuer,
  rest: Omit<Invoice, 'series' | 'sequence' | 'number' | 'previous'>,
): Promise<KeptInvoice> {
  const key = [issuer.id, series]
  await tx.query(
    'insert into billing.sequence (issuer, series) values ($1, $2) on conflict do nothing',
    key,
  )
  const [last] = await tx.query<{ last: number; last_hash: string }>(
    'select last, last_hash from billing.sequence where issuer = $1 and series = $2 for update',
    key,
  )
  const sequence = (last?.last ?? 0) + 1
  const mark = series === 'credit-note' ? 'C' : ''
  const number = `${issuer.prefix}${mark}${String(sequence).padStart(6, '0')}`
  const invoice: Invoice = { ...rest, series, sequence, number, previous: last?.last_hash ?? '' }
  // Read as it will be read, so that nothing is hashed that could not be.
  const content = canonicalJson(invoiceSchema.parse(plain(invoice)))
  const hash = contentHash(invoice)
  await tx.query(
    `insert into billing.invoice
       (tenant, number, issuer, series, sequence, period, currency, issued_at, content, hash,
        began_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
    [
      invoice.tenant,
      number,
      ...key,
      sequence,
      invoice.period,
      invoice.currency,
      invoice.issuedAt,
      content,
      hash,
      beganAt(invoice),
    ],
  )
  await tx.query(
    'update billing.sequence set last = $3, last_hash = $4 where issuer = $1 and series = $2',
    [...key, sequence, hash],
  )
  return { invoice, hash, state: 'final' }
}

/** Enters what became of an invoice, once. Returns false when it was entered before. */
export async function enterEvent(
  tx: Queries,
  event: {
    readonly tenant: TenantId
    readonly number: string
    readonly kind: InvoiceEvent
    readonly at: Date
    readonly by: string
    readonly detail?: Readonly<Record<string, unknown>>
  },
): Promise<boolean> {
  const rows = await tx.query(
    `insert into billing.invoice_event (tenant, number, kind, at, by, detail)
     values ($1, $2, $3, $4, $5, $6) on conflict do nothing returning number`,
    [event.tenant, event.number, event.kind, event.at, event.by, event.detail ?? {}],
  )
  return rows.length > 0
}

export type { InvoiceState }
