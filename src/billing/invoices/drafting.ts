import type { Currency } from '../../contracts/currency.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import { parsePeriod, type Period } from '../rating/period.ts'
import type { TaxAdapter } from '../taxes.ts'
import { adjustmentsOf, lineKey } from './adjustments.ts'
import { contentHash } from './canonical.ts'
import type { Customer, Draft, Invoice, InvoiceLine, Issuer } from './invoice.ts'
import { rateSegments } from './rate-segments.ts'
import { type Segment, segmentsAsBilled, segmentsOf } from './segment.ts'

/** Invoices before the one that is made that are looked at again for usage that came late. */
const LOOK_BACK = 12

export interface DraftingParts {
  readonly catalogue: BillingCatalogue
  readonly usage: UsageReadings
  readonly taxes: TaxAdapter
  issuerOf(tenant: TenantId): Promise<Issuer>
  customerOf(tenant: TenantId): Promise<Customer>
  /** Default 12. */
  readonly lookBack?: number
}

/** Makes invoices as they would be now. Nothing is kept. */
export class Drafting {
  readonly #parts: DraftingParts

  constructor(parts: DraftingParts) {
    this.#parts = parts
  }

  /**
   * One draft for each currency in which something is billed; none for a tenant that was on no priced plan
   * in the period.
   * @param sent its invoices that are in force, of any period
   */
  async draftsOf(
    tenant: TenantId,
    period: Period,
    sent: readonly Invoice[],
  ): Promise<readonly Draft[]> {
    const segments = await segmentsOf(this.#parts.catalogue, tenant, period)
    const currencies = [...new Set(segments.map(({ price }) => price.currency))]
    const drafts: Draft[] = []
    for (const currency of currencies) {
      const same = segments.filter(({ price }) => price.currency === currency)
      drafts.push(await this.#draft(tenant, period, currency, same, sent))
    }
    return drafts
  }

  /** An invoice's own lines, made again from usage as it is now and prices as they were. */
  async again(sent: Invoice): Promise<readonly InvoiceLine[]> {
    const { catalogue, usage } = this.#parts
    const segments = await segmentsAsBilled(catalogue, sent.segments)
    return (await rateSegments(usage, sent.tenant, segments, parsePeriod(sent.period))).lines
  }

  async #draft(
    tenant: TenantId,
    period: Period,
    currency: Currency,
    segments: readonly Segment[],
    sent: readonly Invoice[],
  ): Promise<Draft> {
    const { usage, taxes } = this.#parts
    // Before anything is read: what comes meanwhile is not taken for complete.
    const watermark = await usage.watermark(tenant)
    const { lines: own, readings } = await rateSegments(usage, tenant, segments, period)
    const adjustments = await this.#adjustments(period, currency, sent)
    const lines = [...own, ...adjustments]
    const subtotal = lines.reduce((sum, { amount }) => sum + amount, 0n)
    const issuer = await this.#parts.issuerOf(tenant)
    const customer = await this.#parts.customerOf(tenant)
    const taxLines = await taxes.taxesOf({ issuer, customer, at: period.to, subtotal })
    return {
      tenant,
      period: period.id,
      from: period.from,
      to: period.to,
      currency,
      issuer,
      customer,
      lines,
      subtotal,
      taxes: [...taxLines],
      total: taxLines.reduce((sum, { amount }) => sum + amount, subtotal),
      segments: segments.map(({ plan, generation, from, to }) => ({ plan, generation, from, to })),
      watermark,
      usage: contentHash(readings),
    }
  }

  async #adjustments(
    period: Period,
    currency: Currency,
    sent: readonly Invoice[],
  ): Promise<readonly InvoiceLine[]> {
    const earlier = sent
      .filter((invoice) => invoice.currency === currency && invoice.to <= period.from)
      .toSorted((a, b) => Number(b.from) - Number(a.from) || (a.number < b.number ? -1 : 1))
      .slice(0, this.#parts.lookBack ?? LOOK_BACK)
      .toReversed()
    const carried = sent.flatMap(({ lines }) => lines.filter(({ kind }) => kind === 'adjustment'))
    const lines: InvoiceLine[] = []
    for (const invoice of earlier) {
      const mine = adjustmentsOf(invoice, await this.again(invoice), carried)
      lines.push(...mine.toSorted((a, b) => (lineKey(a) < lineKey(b) ? -1 : 1)))
    }
    return lines
  }
}
