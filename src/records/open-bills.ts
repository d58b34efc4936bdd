import type { AlertSink } from '../alerts/alert-sink.ts'
import type { AlertMail } from '../alerts/mail-sink.ts'
import { Alerts } from '../alerts/open-alerts.ts'
import type { Outside } from '../alerts/outside.ts'
import { StoredAlerts } from '../alerts/stored-alerts.ts'
import type { CostSource } from '../billing/costs/cost-source.ts'
import type { PriceBook } from '../billing/costs/price-book.ts'
import type { Issuer } from '../billing/invoices/invoice.ts'
import { type BillingOptions, openBilling } from '../billing/open-billing.ts'
import { RecordedRows } from '../billing/reconcile/recorded-rows.ts'
import { requestLogDays } from '../billing/reconcile/request-log-days.ts'
import { RequestLogFiles } from '../billing/reconcile/request-log-files.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { BillingDatabase } from '../billing/store/billing-database.ts'
import type { TenantId } from '../core/tenant.ts'
import type { Address } from '../http/call.ts'
import type { PostgresUsageReadings } from '../metering/postgres-usage-readings.ts'
import { prepareAlerts } from './alert-rows.ts'
import { alertSinksApi } from './alert-sinks/alert-sinks-api.ts'
import { openAlertSinks } from './alert-sinks/open-alert-sinks.ts'
import { callerOf, type CallerOptions } from './api/caller.ts'
import { operatorOf } from './api/operator.ts'
import type { KeyEncryptionKeys } from './log/key-encryption.ts'

export interface BillsOptions
  extends CallerOptions,
    Pick<BillingOptions, 'customerOf' | 'taxes' | 'payments'> {
  /** The control database, as `rf_records`. */
  readonly database: DatabaseSettings
  readonly readings: PostgresUsageReadings
  /** Who writes the invoices. */
  readonly issuer: Issuer
  /** Gateways' request logs as files. Absent: bills are reconciled without them. */
  readonly requestLogDirectory?: string | undefined
  /** What things cost, and who measures what tenants have of them. Absent: nobody has said. */
  readonly costs?: {
    readonly book: PriceBook
    readonly sources: readonly CostSource[]
    /** Between two readings. Milliseconds. */
    readonly everyMs: number
  }
  /** Where the platform's own alerts go. Tenants say themselves where theirs do. */
  readonly sinks: readonly AlertSink[]
  /** Seal what tenants' sinks are reached with. */
  readonly keys: KeyEncryptionKeys
  /** Whether a tenant is one now, and not suspended. */
  readonly isActive: (tenant: TenantId) => boolean
  /** How the outside is reached on a tenant's word. */
  readonly outside: Outside
  /** Absent: nobody is told by mail. */
  readonly alertMail?: AlertMail | undefined
  /** Where it is asked who an operator is. */
  readonly control: Address
  readonly log: (line: string) => void
}

/** Opens what is made of usage, bills and budgets, and those who are told when one is spent. */
export async function openBills(options: BillsOptions) {
  const { database, readings, issuer, sinks, control, requestLogDirectory, costs, log } = options
  const { customerOf, taxes, payments } = options
  await prepareAlerts(database)
  const direct = await BillingDatabase.open(database)
  try {
    const owned = await openAlertSinks({
      ...{ database: direct, keys: options.keys, isActive: options.isActive },
      ...{ platform: sinks, mail: options.alertMail, outside: options.outside },
    })
    const alerts = await Alerts.open({
      ...{ store: new StoredAlerts(direct), log },
      sinks: (owner) => owned.of(owner),
    })
    const billing = await openBilling({
      ...{ database, issuer, alerts, log },
      usage: readings,
      recorded: new RecordedRows(direct, readings),
      ...(customerOf === undefined ? {} : { customerOf }),
      ...(taxes === undefined ? {} : { taxes }),
      ...(payments === undefined ? {} : { payments }),
      ...(requestLogDirectory === undefined
        ? {}
        : { gatewayLog: new RequestLogFiles(requestLogDays(requestLogDirectory)) }),
      ...(costs === undefined
        ? {}
        : {
            ...{ priceBook: costs.book, costSources: costs.sources },
            times: { costsMs: costs.everyMs },
          }),
      callerOf: (headers) => callerOf(headers, options),
      operatorOf: (headers, act) => operatorOf(control, headers, act),
    })
    alerts.start()
    billing.start()
    return {
      alerts,
      alertSinks: owned.sinks,
      tenantAlerts: alertSinksApi({
        ...{ sinks: owned.sinks, alerts, log },
        callerOf: (headers) => callerOf(headers, options),
      }),
      tenants: billing.tenantApi,
      operators: billing.operatorApi,
      /** For messages of whoever collects. */
      payments: billing.paymentApi,
      erase: (tenant: TenantId) => billing.erase(tenant),
      async close() {
        await billing.close()
        await alerts.close()
        await direct.close()
      },
    }
  } catch (error) {
    await direct.close()
    throw error
  }
}
