import { z } from 'zod'
import { priceSchema } from '../../contracts/price.ts'
import { RingfenceError } from '../../core/errors.ts'
import { parsePlanName, type PlanName } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { type BillingCatalogue, FOREVER, type PlanSpan, type PriceVersion } from '../catalogue.ts'
import type { Span } from '../rating/period.ts'
import type { Queries } from '../../database/pooled-database.ts'

const MINUTE_MS = 60_000

const tenantRow = z.object({ tenant: parsed(parseTenantId) })
const spanRow = z.object({
  began_at: z.date(),
  ended_at: z.date().nullable(),
  plan: parsed(parsePlanName).nullable(),
  gone: z.boolean(),
})
const priceRow = z.object({ generation: z.number(), at: z.date(), billing: z.unknown() })

/** What the control plane registered, by the three views that it lets the records plane read. */
export class RegisteredCatalogue implements BillingCatalogue {
  readonly #database: Queries

  constructor(database: Queries) {
    this.#database = database
  }

  async tenants({ from, to }: Span): Promise<readonly TenantId[]> {
    const rows = await this.#database.query(
      `select distinct tenant from registry.billed_span
        where plan is not null and began_at < $2 and coalesce(ended_at > $1, true)
        order by tenant`,
      [from, to],
    )
    return rows.map((row) => tenantRow.parse(row).tenant)
  }

  async spans(tenant: TenantId): Promise<readonly PlanSpan[]> {
    const rows = await this.#rows(tenant)
    const present = rows.slice(beginning(rows))
    return present.flatMap(({ plan, began_at, ended_at }): PlanSpan[] =>
      plan === null
        ? []
        : [
            {
              plan,
              from: minuteOf(began_at),
              to: ended_at === null ? FOREVER : minuteOf(ended_at),
            },
          ],
    )
  }

  async since(tenant: TenantId): Promise<Date> {
    const rows = await this.#rows(tenant)
    const first = beginning(rows)
    const began = first === 0 ? undefined : rows[first]?.began_at
    return began === undefined ? new Date(0) : minuteOf(began)
  }

  async versions(plan: PlanName): Promise<readonly PriceVersion[]> {
    const rows = await this.#database.query(
      'select generation, at, billing from registry.plan_price where plan = $1 order by generation',
      [plan],
    )
    return rows.map((row) => {
      const { generation, at, billing } = priceRow.parse(row)
      const appliedAt = minuteOf(at)
      if (billing === null) return { plan, generation, appliedAt, price: undefined }
      const read = priceSchema.safeParse(billing)
      if (!read.success) {
        throw new RingfenceError('internal', 'a price that was applied cannot be read', {
          detail: `generation ${generation} of the plan ${plan}: ${read.error.issues[0]?.message}`,
        })
      }
      return { plan, generation, appliedAt, price: read.data }
    })
  }

  async #rows(tenant: TenantId) {
    const rows = await this.#database.query(
      `select began_at, ended_at, plan, gone from registry.billed_span
        where tenant = $1 order by began_at`,
      [tenant],
    )
    return rows.map((row) => spanRow.parse(row))
  }
}

/** Usage is read by whole minutes: the minute of a change belongs to what begins in it. */
function minuteOf(moment: Date): Date {
  return new Date(Math.floor(moment.getTime() / MINUTE_MS) * MINUTE_MS)
}

/** Where the present customer begins: after the last end that something came after. */
function beginning(rows: readonly { readonly gone: boolean }[]): number {
  return rows.slice(0, -1).findLastIndex(({ gone }) => gone) + 1
}
