import type { AlertSink } from '../../alerts/alert-sink.ts'
import type { Alerts } from '../../alerts/open-alerts.ts'
import type { Outside } from '../../alerts/outside.ts'
import type { Behaviour } from '../../behaviour/behaviour.ts'
import type { StoredResponses } from '../../behaviour/stored-responses.ts'
import type { Budgets } from '../../billing/budgets/budgets.ts'
import type { Invoices } from '../../billing/invoices/invoices.ts'
import type { UsageReadings } from '../../metering/usage-readings.ts'
import type { RecordsOperator } from '../../records/api/operator.ts'
import type { IntakePlane } from '../../records/intake/judge-lines.ts'
import type { TenantAlertSinks } from '../../records/alert-sinks/tenant-alert-sinks.ts'
import type { LogStore } from '../../records/log/log-store.ts'
import type { Sinks } from '../../records/streams/sinks.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import type { verifyLog } from '../../transparency/verify-log.ts'
import type { TimeLimits } from '../../usage/judge-events.ts'
import type { UsageStore } from '../../usage/usage-store.ts'
import type { LogApiOptions } from '../../records/api/log-api.ts'
import type { Site } from './site.ts'

export type TenantsAlerts = Pick<Alerts, 'silence' | 'endSilence' | 'silences' | 'firing'>
export type Fetch = (request: Request) => Response | Promise<Response>
export type EndedResponses = Pick<StoredResponses, 'inForce' | 'undo'>
export type Watch = Pick<Behaviour, 'used'>
export type OperatorOf = (headers: Headers, act: 'read' | 'write') => Promise<RecordsOperator>

/** What the records plane of a copy is put together from. Mutants put worse pieces in the place of these. */
export interface Pieces {
  /** In front of what tenants reach. */
  readonly tenants: (fetch: Fetch, site: Site) => Fetch
  /** In front of what planes, services and operators reach. */
  readonly intake: (fetch: Fetch, site: Site) => Fetch
  readonly logs: (logs: LogStore, site: Site) => LogStore
  /** Who reads a log, and whether they still may. */
  readonly readerOf: (readerOf: LogApiOptions['readerOf']) => LogApiOptions['readerOf']
  readonly usage: (usage: UsageStore, site: Site) => UsageStore
  readonly readings: (readings: UsageReadings, site: Site) => UsageReadings
  readonly invoices: (invoices: Invoices, site: Site) => Invoices
  readonly budgets: (budgets: Budgets, site: Site) => Budgets
  readonly revocations: (revocations: RevocationSource) => RevocationSource
  readonly source: (source: ConfigurationSource) => ConfigurationSource
  readonly planes: (planes: readonly IntakePlane[], site: Site) => readonly IntakePlane[]
  readonly operators: (operatorOf: OperatorOf) => OperatorOf
  readonly times: TimeLimits | undefined
  readonly verify: (verify: typeof verifyLog, site: Site) => typeof verifyLog
  /** How sinks of tenants reach the outside. */
  readonly outside: (outside: Outside) => Outside
  /** What tenants do about their alerts. */
  readonly alerts: (alerts: TenantsAlerts, site: Site) => TenantsAlerts
  readonly sinks: (sinks: readonly AlertSink[]) => readonly AlertSink[]
  /** Where tenants have their logs and their alerts sent, as they set it. */
  readonly logSinks: (sinks: Sinks, site: Site) => Sinks
  readonly alertSinks: (sinks: TenantAlertSinks, site: Site) => TenantAlertSinks
  /** What detectors have done, and how it is ended. */
  readonly responses: (responses: EndedResponses, site: Site) => EndedResponses
  /** Who sees what is used, and knows what is usual. */
  readonly watch: (watch: Behaviour, site: Site) => Watch
}

export const SOUND: Pieces = {
  tenants: (fetch) => fetch,
  intake: (fetch) => fetch,
  logs: (logs) => logs,
  readerOf: (readerOf) => readerOf,
  usage: (usage) => usage,
  readings: (readings) => readings,
  invoices: (invoices) => invoices,
  budgets: (budgets) => budgets,
  revocations: (revocations) => revocations,
  source: (source) => source,
  planes: (planes) => planes,
  operators: (operatorOf) => operatorOf,
  times: undefined,
  verify: (verify) => verify,
  outside: (outside) => outside,
  sinks: (sinks) => sinks,
  alerts: (alerts) => alerts,
  logSinks: (sinks) => sinks,
  alertSinks: (sinks) => sinks,
  responses: (responses) => responses,
  watch: (watch) => watch,
}
