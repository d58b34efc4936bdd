import { decimalOf } from '../../contracts/currency.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { parsePeriod, type Period } from '../rating/period.ts'
import type { Queries } from '../../database/pooled-database.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import {
  beganAt,
  enterEvent,
  enterInvoice,
  findInvoice,
  invoicesInForce,
  type ListAsked,
  listInvoices,
  lockTenant,
} from '../store/invoice-store.ts'
import { adjustmentsOf, ownLines } from './adjustments.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import type { Drafting } from './drafting.ts'
import type { Draft, Invoice, InvoiceLine, KeptInvoice } from './invoice.ts'

export interface InvoicesParts {
  readonly database: BillingDatabase
  readonly drafting: Drafting
  readonly catalogue: Pick<BillingCatalogue, 'since'>
  readonly now: () => Date
  /** In the transaction of the act: who cannot enter it, does not do it. */
  readonly entered: (tx: Queries, act: BillingAct) => Promise<void>
}

/** What was done to an invoice, for the audit log. */
export interface BillingAct {
  readonly action: 'invoice.finalised' | 'invoice.voided'
  readonly tenant: TenantId
  /** The invoice's. */
  readonly number: string
  /** What was made: the invoice, or the credit note that takes it back. */
  readonly document: string
  readonly by: string
  readonly at: Date
  readonly reason?: string
  readonly hash: string
}

/** What an invoice would be if it were made again from events, beside what it is. */
export interface Recomputation {
  readonly number: string
  /** Minor units, without taxes and without corrections of other invoices. */
  readonly sent: bigint
  readonly now: bigint
  /** Lines that differ. Empty: it is right to the last minor unit. */
  readonly differences: readonly InvoiceLine[]
}

/** A tenant's invoices: what they would be, and those that were sent. */
export class Invoices {
  readonly #parts: InvoicesParts

  constructor(parts: InvoicesParts) {
    this.#parts = parts
  }

  /** What the invoices of a period would be now, by currency. Changes nothing. */
  async preview(tenant: TenantId, period: Period): Promise<readonly Draft[]> {
    const { database, drafting, catalogue } = this.#parts
    const sent = await invoicesInForce(database, tenant, await catalogue.since(tenant))
    return drafting.draftsOf(tenant, period, sent)
  }

  /**
   * Makes the invoices of a period that has ended final, each once: what is final already is returned as
   * it is.
   * @param options.incomplete also while usage may still come: it goes onto the next
   * @throws RingfenceError `conflict` for a period that has not ended, or whose usage is not complete;
   *   `not_found` when nothing is billed in it
   */
  async finalise(
    tenant: TenantId,
    period: Period,
    by: string,
    options: { readonly incomplete?: boolean } = {},
  ): Promise<readonly KeptInvoice[]> {
    const { database, drafting, catalogue, now } = this.#parts
    if (period.to > now()) throw new RingfenceError('conflict', `${period.id} has not ended`)
    return database.transaction(async (tx) => {
      // Before it is computed: what is corrected here must not be corrected elsewhere too.
      await lockTenant(tx, tenant)
      const sent = await invoicesInForce(tx, tenant, await catalogue.since(tenant))
      const there = sent.filter((invoice) => invoice.period === period.id)
      const drafts = (await drafting.draftsOf(tenant, period, sent)).filter(
        ({ currency }) => !there.some((invoice) => invoice.currency === currency),
      )
      if (there.length === 0 && drafts.length === 0) {
        throw new RingfenceError('not_found', `nothing is billed in ${period.id}`)
      }
      const made: KeptInvoice[] = []
      for (const { number } of there) {
        const known = await findInvoice(tx, tenant, number)
        if (known !== undefined) made.push(known)
      }
      for (const draft of drafts) {
        if (draft.watermark < draft.to && options.incomplete !== true) {
          const until = draft.watermark.toISOString()
          throw new RingfenceError('conflict', `usage of ${period.id} is complete up to ${until}`)
        }
        made.push(await this.#send(tx, draft, by))
      }
      return made
    })
  }

  /**
   * Takes an invoice back by a credit note of the same amounts below zero. The period can be invoiced
   * again then. Once more it returns the same credit note.
   * @throws RingfenceError `not_found`; `conflict` for a credit note, and for an invoice that a later one
   *   corrects: that one first
   */
  async void(tenant: TenantId, number: string, by: string, reason: string): Promise<KeptInvoice> {
    const { database, now } = this.#parts
    return database.transaction(async (tx) => {
      await lockTenant(tx, tenant)
      const found = await findInvoice(tx, tenant, number)
      if (found === undefined) throw new RingfenceError('not_found', 'no such invoice')
      const { invoice, state } = found
      if (invoice.series === 'credit-note') {
        throw new RingfenceError('conflict', 'a credit note cannot be made void')
      }
      if (state === 'void') return noteOf(tx, tenant, number)
      for (const later of await invoicesInForce(tx, tenant, new Date(0))) {
        if (!later.lines.some(({ of }) => of === number)) continue
        throw new RingfenceError('conflict', `${later.number} corrects it: make that void first`)
      }
      const at = now()
      const { series: _s, sequence: _n, number: _o, previous: _p, ...content } = invoice
      const note = await enterInvoice(tx, 'credit-note', invoice.issuer, {
        ...content,
        issuedAt: at,
        credits: number,
        reason,
        lines: invoice.lines.map((line) => ({ ...line, amount: -line.amount })),
        subtotal: -invoice.subtotal,
        taxes: invoice.taxes.map((tax) => ({ ...tax, basis: -tax.basis, amount: -tax.amount })),
        total: -invoice.total,
      })
      const detail = { credit_note: note.invoice.number, reason }
      await enterEvent(tx, { tenant, number, kind: 'void', at, by, detail })
      await tx.query('delete from billing.in_force where tenant = $1 and number = $2', [
        tenant,
        number,
      ])
      const act = { action: 'invoice.voided', tenant, number, by, at, reason } as const
      await this.#parts.entered(tx, { ...act, document: note.invoice.number, hash: note.hash })
      return note
    })
  }

  /**
   * @param since nothing of what was billed before
   * @throws RingfenceError `not_found`, also for another tenant’s
   */
  async get(tenant: TenantId, number: string, since = new Date(0)): Promise<KeptInvoice> {
    const found = await findInvoice(this.#parts.database, tenant, number)
    if (found === undefined || beganAt(found.invoice) < since) {
      throw new RingfenceError('not_found', 'no such invoice')
    }
    return found
  }

  list(tenant: TenantId, asked: ListAsked): Promise<readonly KeptInvoice[]> {
    return listInvoices(this.#parts.database, tenant, asked)
  }

  /**
   * Makes an invoice again from usage as it is now, with the prices that it names.
   * @throws RingfenceError `not_found`; `conflict` for a credit note
   */
  async recompute(tenant: TenantId, number: string): Promise<Recomputation> {
    const { invoice } = await this.get(tenant, number)
    if (invoice.series === 'credit-note') {
      throw new RingfenceError('conflict', 'a credit note is not made from usage')
    }
    const again = await this.#parts.drafting.again(invoice)
    return {
      number,
      sent: sumOf(ownLines(invoice)),
      now: sumOf(again),
      differences: adjustmentsOf(invoice, again, []),
    }
  }

  async #send(tx: Queries, draft: Draft, by: string): Promise<KeptInvoice> {
    const at = this.#parts.now()
    const kept = await enterInvoice(tx, 'invoice', draft.issuer, { ...draft, issuedAt: at })
    const { tenant, number, period, currency, total } = kept.invoice
    await tx.query(
      'insert into billing.in_force (tenant, period, currency, number) values ($1, $2, $3, $4)',
      [tenant, period, currency, number],
    )
    const detail = { total: decimalOf(total, currency), currency }
    await enterEvent(tx, { tenant, number, kind: 'finalised', at, by, detail })
    const act = { action: 'invoice.finalised', tenant, number, by, at } as const
    await this.#parts.entered(tx, { ...act, document: number, hash: kept.hash })
    return kept
  }
}

/** The credit note that took an invoice back. */
async function noteOf(tx: Queries, tenant: TenantId, number: string): Promise<KeptInvoice> {
  const [row] = await tx.query<{ note: string }>(
    `select detail ->> 'credit_note' as note from billing.invoice_event
      where tenant = $1 and number = $2 and kind = 'void'`,
    [tenant, number],
  )
  const note = row && (await findInvoice(tx, tenant, row.note))
  if (note === undefined) throw new RingfenceError('internal', 'a credit note is missing')
  return note
}

function sumOf(lines: readonly Pick<Invoice['lines'][number], 'amount'>[]): bigint {
  return lines.reduce((sum, { amount }) => sum + amount, 0n)
}

/** The period that has ended last, of each kind: what a schedule makes final. */
export function periodsDue(now: Date): readonly Period[] {
  const ended = new Date(now.getTime())
  const month = new Date(Date.UTC(ended.getUTCFullYear(), ended.getUTCMonth()) - 1)
  const monthId = month.toISOString().slice(0, 7)
  const due = [parsePeriod(monthId)]
  const ofYear = month.getUTCMonth() + 1
  if (ofYear % 3 === 0) due.push(parsePeriod(`${month.getUTCFullYear()}-q${ofYear / 3}`))
  if (ofYear === 12) due.push(parsePeriod(String(month.getUTCFullYear())))
  return due
}
