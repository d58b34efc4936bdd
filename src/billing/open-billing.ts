import type { Hono } from 'hono'
import { z } from 'zod'
import type { AlertIntake } from '../alerts/alert.ts'
import { submitEntries } from '../audit/submit-entries.ts'
import { type TenantId, TIERS } from '../core/tenant.ts'
import type { UsageReadings } from '../metering/usage-readings.ts'
import { operatorBillingApi, type OperatorBillingOptions } from './api/operator-api.ts'
import { tenantBillingApi, type TenantBillingOptions } from './api/tenant-api.ts'
import { billingEntries } from './audit-entries.ts'
import { Budgets } from './budgets/budgets.ts'
import { registeredBoard, UsageQuotas } from './budgets/usage-quotas.ts'
import { CostCollector } from './costs/cost-collector.ts'
import { CostReports } from './costs/cost-reports.ts'
import type { CostSource } from './costs/cost-source.ts'
import type { PriceBook } from './costs/price-book.ts'
import { eraseBilling } from './erase-billing.ts'
import { Drafting } from './invoices/drafting.ts'
import type { Customer, Issuer } from './invoices/invoice.ts'
import { Invoices } from './invoices/invoices.ts'
import type { PaymentProvider } from './payments/payment-provider.ts'
import { Payments } from './payments/payments.ts'
import { paymentMessages } from './api/payment-messages.ts'
import { Reconciler } from './reconcile/reconcile.ts'
import type { GatewayLog, RecordedUsage } from './reconcile/sides.ts'
import { BILLING_TIMES, billingSchedule, type BillingTimes } from './schedule.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { BillingDatabase } from './store/billing-database.ts'
import { RegisteredCatalogue } from './store/registered-catalogue.ts'
import { NO_TAXES, type TaxAdapter } from './taxes.ts'

export interface BillingOptions {
  /** The control database as `rf_records`: schema `billing`, and the registry's views. */
  readonly database: DatabaseSettings
  readonly usage: UsageReadings
  readonly recorded: RecordedUsage
  /** Absent: gateways' logs are not at hand, and reconciliation says so. */
  readonly gatewayLog?: GatewayLog
  readonly alerts: AlertIntake
  readonly issuer: Issuer
  /** Default: its registered name, without an address. */
  readonly customerOf?: (tenant: TenantId) => Promise<Customer | undefined>
  /** Default: none. */
  readonly taxes?: TaxAdapter
  /** Default: nobody collects. */
  readonly payments?: PaymentProvider
  readonly costSources?: readonly CostSource[]
  readonly priceBook?: PriceBook
  readonly callerOf: TenantBillingOptions['callerOf']
  readonly operatorOf: OperatorBillingOptions['operatorOf']
  readonly times?: Partial<BillingTimes>
  readonly now?: () => Date
  readonly log: (line: string) => void
}

export interface Billing {
  /** A tenant's own, behind the gateway. */
  readonly tenantApi: ReturnType<typeof tenantBillingApi>
  /** To be mounted at `/v1/billing`. */
  readonly operatorApi: ReturnType<typeof operatorBillingApi>
  /** For the payment provider's messages; undefined without one. It trusts their signature alone. */
  readonly paymentApi: Hono | undefined
  readonly invoices: Invoices
  readonly budgets: Budgets
  readonly quotas: UsageQuotas
  readonly reconciler: Reconciler
  readonly costs: CostReports
  /** What is kept for a tenant's own sake, when it is erased. Invoices stay: the law wants them. */
  erase(tenant: TenantId): Promise<void>
  /** Begins what is done by itself, until `close`. */
  start(): void
  close(): Promise<void>
}

/** Opens billing and brings its tables up to date. @throws RingfenceError `engine_unavailable` */
export async function openBilling(options: BillingOptions): Promise<Billing> {
  const { usage, alerts, recorded, log, issuer } = options
  const now = options.now ?? (() => new Date())
  const database = await BillingDatabase.open(options.database)
  const catalogue = new RegisteredCatalogue(database)
  const registered = registeredTenants(database)
  const payments =
    options.payments && new Payments({ database, provider: options.payments, now, log })
  const drafting = new Drafting({
    catalogue,
    usage,
    taxes: options.taxes ?? NO_TAXES,
    issuerOf: () => Promise.resolve(issuer),
    customerOf: async (tenant) =>
      (await options.customerOf?.(tenant)) ?? {
        name: (await registered(tenant))?.display_name ?? tenant,
        address: [],
      },
  })
  const invoices = new Invoices({
    database,
    drafting,
    catalogue,
    now,
    // Neither is there without the other: what cannot be entered is not sent.
    entered: async (tx, act) => {
      await submitEntries(tx, billingEntries(act))
      await payments?.enqueue(tx, act.tenant, act.document)
    },
  })
  const common = { database, catalogue, usage, alerts, now }
  const budgets = new Budgets({ ...common, invoices })
  const quotas = new UsageQuotas({ ...common, board: registeredBoard(database) })
  const reconciler = new Reconciler({ ...common, invoices, recorded, log: options.gatewayLog })
  const costs = new CostReports({
    ...common,
    invoices,
    book: options.priceBook,
    tierOf: async (tenant) => (await registered(tenant))?.tier,
  })
  const sources = options.costSources ?? []
  const collector = new CostCollector({ database, sources, now, log })
  const times = { ...BILLING_TIMES, ...options.times }
  const schedule = billingSchedule({
    ...{ catalogue, quotas, budgets, invoices, reconciler, collector, payments, times, now, log },
  })
  const { callerOf, operatorOf } = options
  return {
    tenantApi: tenantBillingApi({ ...common, invoices, budgets, quotas, callerOf, log }),
    operatorApi: operatorBillingApi({ invoices, reconciler, costs, operatorOf, log }),
    paymentApi: payments && paymentMessages(payments, log),
    invoices,
    budgets,
    quotas,
    reconciler,
    costs,
    erase: (tenant) => eraseBilling(database, tenant),
    start: () => schedule.forEach((one) => one.start()),
    async close() {
      await Promise.all(schedule.map((one) => one.stop()))
      await database.close()
    },
  }
}

const registeredRow = z.object({ display_name: z.string(), tier: z.enum(TIERS) })

/** What the registry says of a tenant; undefined for one that there is not. */
function registeredTenants(database: Pick<BillingDatabase, 'query'>) {
  return async (tenant: TenantId) => {
    const [row] = await database.query(
      'select display_name, tier from registry.billed_tenant where id = $1',
      [tenant],
    )
    return row === undefined ? undefined : registeredRow.parse(row)
  }
}
