import { isDeepStrictEqual } from 'node:util'
import type { AlertIntake } from '../../alerts/alert.ts'
import type { UsageQuota } from '../../contracts/price.ts'
import { type SpentQuota, spentQuotasSchema } from '../../contracts/spent-quota.ts'
import { unitsOf } from '../../contracts/currency.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import type { BillingCatalogue } from '../catalogue.ts'
import { quantityOf } from '../invoices/rate-segments.ts'
import { versionAt } from '../invoices/segment.ts'
import { periodAt, type Span } from '../rating/period.ts'
import type { BillingDatabase } from '../store/billing-database.ts'

const DAY_MS = 86_400_000

/** Where it is said what gateways are to refuse. */
export interface QuotaBoard {
  /** All that a tenant has used up; what is not named any more is free again. */
  post(tenant: TenantId, spent: readonly SpentQuota[]): Promise<void>
}

/** Through the control database: the control plane signs it and gateways follow. */
export function registeredBoard(database: Pick<BillingDatabase, 'query'>): QuotaBoard {
  return {
    async post(tenant, spent) {
      const text = JSON.stringify(spent)
      await database.query('select registry.enter_spent_quotas($1, $2::jsonb)', [tenant, text])
    },
  }
}

export interface UsageQuotasParts {
  readonly database: BillingDatabase
  readonly catalogue: BillingCatalogue
  readonly usage: UsageReadings
  readonly board: QuotaBoard
  readonly alerts: AlertIntake
  readonly now: () => Date
}

/** How much of a quota is used. */
export interface QuotaState {
  readonly quota: UsageQuota
  readonly from: Date
  readonly until: Date
  readonly used: bigint
  readonly spent: boolean
}

/** Looks how much of their plans' quotas tenants have used, and has gateways refuse who has no more. */
export class UsageQuotas {
  readonly #parts: UsageQuotasParts

  constructor(parts: UsageQuotasParts) {
    this.#parts = parts
  }

  /** Of the plan that the tenant is on, and the generation of its price that counts now. */
  async states(tenant: TenantId): Promise<readonly QuotaState[]> {
    const { catalogue, usage, now } = this.#parts
    const moment = now()
    const span = (await catalogue.spans(tenant)).find(
      ({ from, to }) => from <= moment && moment < to,
    )
    if (span === undefined) return []
    const version = versionAt(await catalogue.versions(span.plan), moment)
    const states: QuotaState[] = []
    for (const quota of version?.price?.quotas ?? []) {
      const { from, to } = stretchOf(quota, moment)
      const began = await catalogue.since(tenant)
      const asked = { from: began > from ? began : from, to }
      const used = await quantityOf(usage, { tenant, meter: quota.meter, where: {}, ...asked })
      const spent = used >= BigInt(quota.amount) * 1_000_000n
      states.push({ quota, from, until: to, used, spent })
    }
    return states
  }

  /** Says what is new, to gateways and to whom it concerns. */
  async watch(tenant: TenantId): Promise<void> {
    const { database, board, now } = this.#parts
    const states = await this.states(tenant)
    const spent = states
      .filter((state) => state.spent)
      .map(({ quota: { name, meter, hard }, until }): SpentQuota => {
        return { name, meter, hard, until: until.toISOString() }
      })
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const [row] = await database.query<{ spent: unknown }>(
      'select spent from billing.quota_state where tenant = $1',
      [tenant],
    )
    const before = spentQuotasSchema.safeParse(row?.spent ?? []).data ?? []
    if (isDeepStrictEqual(before, spent)) return
    // Entered last: whoever dies in between says it again.
    await board.post(tenant, spent)
    await this.#tell(tenant, before, spent, states)
    await database.query(
      `with known as (insert into billing.tenant (id) values ($1) on conflict do nothing)
       insert into billing.quota_state (tenant, spent, at) values ($1, $2, $3)
       on conflict (tenant) do update set spent = excluded.spent, at = excluded.at`,
      [tenant, JSON.stringify(spent), now()],
    )
  }

  async #tell(
    tenant: TenantId,
    before: readonly SpentQuota[],
    spent: readonly SpentQuota[],
    states: readonly QuotaState[],
  ): Promise<void> {
    const names = (all: readonly SpentQuota[]) => new Set(all.map(({ name }) => name))
    const [old, fresh] = [names(before), names(spent)]
    for (const one of [...spent, ...before.filter(({ name }) => !fresh.has(name))]) {
      const firing = fresh.has(one.name)
      if (firing && old.has(one.name)) continue
      const used = states.find(({ quota }) => quota.name === one.name)?.used
      const said = used === undefined ? '' : `: ${unitsOf(used)} were used`
      await this.#parts.alerts.signal({
        name: 'quota-spent',
        tenant,
        severity: one.hard ? 'critical' : 'warning',
        state: firing ? 'firing' : 'resolved',
        labels: { quota: one.name, meter: one.meter },
        summary: firing
          ? `the quota ${one.name} of ${one.meter} is used up${said}`
          : `the quota ${one.name} of ${one.meter} is not used up any more`,
        at: this.#parts.now(),
        ...(firing ? { until: new Date(one.until) } : {}),
      })
    }
  }
}

function stretchOf({ period }: UsageQuota, moment: Date): Span {
  if (period === 'month') return periodAt('month', moment)
  const start = Math.floor(moment.getTime() / DAY_MS) * DAY_MS
  return { from: new Date(start), to: new Date(start + DAY_MS) }
}
