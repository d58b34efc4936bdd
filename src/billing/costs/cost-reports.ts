import { RingfenceError } from '../../core/errors.ts'
import { parseTenantId, type TenantId, type Tier } from '../../core/tenant.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import type { Invoices } from '../invoices/invoices.ts'
import { quantityOf } from '../invoices/rate-segments.ts'
import type { Period } from '../rating/period.ts'
import { rational, roundHalfEven, times } from '../rating/rational.ts'
import type { BillingDatabase } from '../store/billing-database.ts'
import { invoicesInForce } from '../store/invoice-store.ts'
import { METER_OF, wholeOf } from './cost-meters.ts'
import { COST_KINDS, type CostKind } from './cost-source.ts'
import type { PriceBook } from './price-book.ts'
import {
  adviceFor,
  costByTier,
  costOf,
  months,
  type Quantities,
  type TierAdvice,
} from './tier-advice.ts'

export interface CostReportsParts {
  readonly database: BillingDatabase
  readonly catalogue: BillingCatalogue
  readonly invoices: Pick<Invoices, 'preview'>
  readonly usage: UsageReadings
  /** Absent: nobody has said what things cost. */
  readonly book?: PriceBook | undefined
  readonly tierOf: (tenant: TenantId) => Promise<Tier | undefined>
}

/** What a tenant cost in a period, and what came of it. Amounts in minor units of the book's currency. */
export interface CostReport {
  readonly tenant: TenantId
  readonly period: string
  readonly currency: string
  readonly tier: Tier
  readonly parts: readonly {
    readonly name: string
    readonly quantity: bigint
    readonly cost: bigint
    /** False: nobody measured it, and that it is 0 says nothing. */
    readonly measured: boolean
  }[]
  readonly cost: bigint
  /** Of invoices in force, or of the draft, without taxes; in other currencies it is not counted. */
  readonly revenue: bigint
  readonly margin: bigint
  /** Whole percent of the revenue; null without any. */
  readonly marginPercent: number | null
  readonly byTier: Readonly<Record<Tier, bigint>>
  readonly advice: TierAdvice | null
}

/** Costs, margins, and advice on tiers. */
export class CostReports {
  readonly #parts: CostReportsParts

  constructor(parts: CostReportsParts) {
    this.#parts = parts
  }

  /**
   * The costliest first.
   * @param only one tenant
   * @throws RingfenceError `conflict` where there is no price book; `invalid_tenant_id`
   */
  async of(period: Period, only?: string): Promise<readonly CostReport[]> {
    const { catalogue, book, tierOf } = this.#parts
    if (book === undefined) {
      throw new RingfenceError('conflict', 'there is no price book: say what things cost first')
    }
    const asked = only === undefined ? undefined : parseTenantId(only)
    const tenants = await catalogue.tenants(period)
    const used = await this.#used(period, tenants)
    const tiers = new Map<TenantId, Tier>()
    for (const tenant of tenants) tiers.set(tenant, (await tierOf(tenant)) ?? 'pooled')
    const pooled = tenants
      .filter((tenant) => tiers.get(tenant) === 'pooled')
      .reduce((sum, tenant) => sum + (used.get(tenant)?.quantities.query ?? 0n), 0n)
    const shared = await this.#shared(book, period, tenants)
    const reports: CostReport[] = []
    for (const tenant of tenants) {
      if (asked !== undefined && tenant !== asked) continue
      const tier = tiers.get(tenant) ?? 'pooled'
      const { quantities: mine, measured } = used.get(tenant) ?? UNKNOWN
      const parts = [...partsOf(book, tier, mine, measured, period), ...(shared.get(tenant) ?? [])]
      const cost = parts.reduce((sum, one) => sum + one.cost, 0n)
      const revenue = await this.#revenue(book, tenant, period)
      const byTier = costByTier(book, mine, period)
      reports.push({
        tenant,
        period: period.id,
        currency: book.currency,
        tier,
        parts,
        cost,
        revenue,
        margin: revenue - cost,
        marginPercent: revenue > 0n ? Number(((revenue - cost) * 100n) / revenue) : null,
        byTier,
        advice: adviceFor(tier, byTier, mine, pooled, unknownOf(measured)) ?? null,
      })
    }
    return reports.toSorted((a, b) => (a.cost < b.cost ? 1 : a.cost > b.cost ? -1 : 0))
  }

  async #used(period: Period, tenants: readonly TenantId[]): Promise<ReadonlyMap<string, Used>> {
    const [read, metered] = [await this.#read(period), await this.#metered(period, tenants)]
    const used = new Map<string, Used>()
    for (const tenant of tenants) {
      const found = new Map([...(read.get(tenant) ?? []), ...(metered.get(tenant) ?? [])])
      const quantities = Object.fromEntries(COST_KINDS.map((kind) => [kind, found.get(kind) ?? 0n]))
      used.set(tenant, {
        quantities: { ...NOTHING, ...quantities },
        measured: new Set(found.keys()),
      })
    }
    return used
  }

  /** What was read where it came about; a kind that nobody could read is not there. */
  async #read({ from, to }: Period): Promise<ReadonlyMap<string, ReadonlyMap<CostKind, bigint>>> {
    const rows = await this.#parts.database.query<{ tenant: string; kind: CostKind; sum: string }>(
      `select tenant, kind, sum(quantity)::text as sum from (
         select tenant, kind, quantity from billing.cost where day >= $1 and day < $2
         union all select tenant, kind, 0 from billing.cost_mark where at >= $3) as found
        group by tenant, kind`,
      [from.toISOString().slice(0, 10), to.toISOString().slice(0, 10), from],
    )
    const read = new Map<string, Map<CostKind, bigint>>()
    for (const { tenant, kind, sum } of rows) {
      read.set(tenant, (read.get(tenant) ?? new Map<CostKind, bigint>()).set(kind, BigInt(sum)))
    }
    return read
  }

  /** What gateways enter as usage. */
  async #metered({ from, to }: Period, tenants: readonly TenantId[]) {
    const metered = new Map<TenantId, Map<CostKind, bigint>>()
    for (const kind of COST_KINDS) {
      const meter = METER_OF[kind]
      if (meter === undefined || !(await this.#hasMeter(meter, tenants, from))) continue
      for (const tenant of tenants) {
        const asked = { tenant, meter, where: {}, from, to }
        const quantity = wholeOf(await quantityOf(this.#parts.usage, asked))
        metered.set(
          tenant,
          (metered.get(tenant) ?? new Map<CostKind, bigint>()).set(kind, quantity),
        )
      }
    }
    return metered
  }

  /** A meter that is new is not there before the first configuration. */
  async #hasMeter(meter: string, [tenant]: readonly TenantId[], from: Date): Promise<boolean> {
    if (tenant === undefined) return false
    const to = new Date(from.getTime() + 60_000)
    try {
      await this.#parts.usage.read({ tenant, meter, from, to, window: 'whole' })
      return true
    } catch (error) {
      if (error instanceof RingfenceError && error.code === 'not_found') return false
      throw error
    }
  }

  /** What all pay together, by each one's share of a meter. */
  async #shared(book: PriceBook, { ...period }: Period, tenants: readonly TenantId[]) {
    const { usage } = this.#parts
    const { from, to } = period
    const parts = new Map<TenantId, CostReport['parts']>()
    for (const { name, monthly, meter } of book.shared) {
      const shares = new Map<TenantId, bigint>()
      for (const tenant of tenants) {
        shares.set(tenant, await quantityOf(usage, { tenant, meter, where: {}, from, to }))
      }
      const all = [...shares.values()].reduce((sum, one) => sum + one, 0n)
      const whole = times(rational(BigInt(monthly)), months(period))
      for (const [tenant, quantity] of shares) {
        const cost = all === 0n ? 0n : roundHalfEven(times(whole, rational(quantity, all)))
        const part = { name, quantity, cost, measured: true }
        parts.set(tenant, [...(parts.get(tenant) ?? []), part])
      }
    }
    return parts
  }

  async #revenue({ currency }: PriceBook, tenant: TenantId, period: Period): Promise<bigint> {
    const { database, invoices, catalogue } = this.#parts
    const since = await catalogue.since(tenant)
    const sent = (await invoicesInForce(database, tenant, since)).filter(
      (one) => one.period === period.id,
    )
    const all = sent.length > 0 ? sent : await invoices.preview(tenant, period)
    return all
      .filter((one) => one.currency === currency)
      .reduce((sum, { subtotal }) => sum + subtotal, 0n)
  }
}

/** What a tenant used, and which kinds of it somebody has measured. */
interface Used {
  readonly quantities: Quantities
  readonly measured: ReadonlySet<CostKind>
}

const NOTHING: Quantities = { storage: 0n, query: 0n, gateway: 0n, egress: 0n }
const UNKNOWN: Used = { quantities: NOTHING, measured: new Set() }

const unknownOf = (measured: ReadonlySet<CostKind>) =>
  COST_KINDS.filter((kind) => !measured.has(kind))

function partsOf(
  book: PriceBook,
  tier: Tier,
  used: Quantities,
  measured: ReadonlySet<CostKind>,
  period: Period,
): CostReport['parts'] {
  const { monthly, covers } = book.tiers[tier]
  const fixed = roundHalfEven(times(rational(BigInt(monthly)), months(period)))
  return [
    { name: `tier ${tier}`, quantity: 1n, cost: fixed, measured: true },
    ...COST_KINDS.map((kind) => ({
      name: kind,
      quantity: used[kind],
      cost: covers.includes(kind) ? 0n : costOf(book, kind, used[kind]),
      measured: measured.has(kind),
    })),
  ]
}
