import { OpenAPIHono } from '@hono/zod-openapi'
import type { Hono } from 'hono'
import type { BlankEnv } from 'hono/types'
import { type AlertIntake, ownerOf } from '../alerts/alert.ts'
import { type LogName, logOf } from '../audit/entry.ts'
import type { BehaviourSettingsInput } from '../behaviour/settings.ts'
import { withCostMeters } from '../billing/costs/cost-meters.ts'
import { messageOf } from '../core/errors.ts'
import type { ClientId, ServiceName } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { UsageStreamSettings } from '../metering/jetstream/usage-stream-settings.ts'
import { type Metering, openMetering } from '../metering/open-metering.ts'
import type { RevocationSource } from '../revocation/revocation.ts'
import type { ConfigurationSource, PlatformConfig } from '../snapshot/snapshot.ts'
import { alertMetrics } from '../telemetry/metrics/alert-metrics.ts'
import { openSloWatch } from '../telemetry/slo/open-slo-watch.ts'
import type { CountedProcess } from '../telemetry/slo/counts-follower.ts'
import type { Slo } from '../telemetry/slo/slo.ts'
import type { Telemetry } from '../telemetry/open-telemetry.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { Reporter } from '../usage/reporter.ts'
import { auditApi } from './api/audit-api.ts'
import { callerOf, type CallerOptions } from './api/caller.ts'
import { logsApi } from './api/logs-api.ts'
import { platformLogApi } from './api/platform-log-api.ts'
import { ForkedLogs } from './forked-logs.ts'
import { openIntake } from './intake/open-intake.ts'
import type { IntakePlane } from './intake/judge-lines.ts'
import type { Witness } from './log/ask-witnesses.ts'
import type { CheckpointAnchor } from './log/checkpoint-anchor.ts'
import type { KeyEncryptionKeys } from './log/key-encryption.ts'
import { LogDatabase } from './log/log-database.ts'
import { LogKeeper } from './log/log-keeper.ts'
import { type LogRegion, openRegionalLogs } from './log/open-regional-logs.ts'
import type { PostgresLogStore } from './log/postgres-log-store.ts'
import { rewrapKeys } from './log/rewrap-keys.ts'
import { type WitnessOptions, witnessService } from './log/witness-service.ts'
import { KeptTenants } from './keeping/kept-tenants.ts'
import { RecordsKeeping } from './keeping/records-keeping.ts'
import { type BillsOptions, openBills } from './open-bills.ts'
import { outsideOfTenants, type OwnPlaces } from './own-places.ts'
import { intakeApp, tenantsApp } from './records-apps.ts'
import { openStreams, type PlatformSink } from './streams/open-streams.ts'
import { watchBehaviour } from './watch-behaviour.ts'

/** Where operators read the platform's own log. */
const PLATFORM_LOG_PATH = '/v1/logs/platform'

const DAY_MS = 86_400_000
/** So that invoices of the year before can be made again from events. */
const USAGE_DAYS_KEPT = 800
/** After its event is gone: what comes again is known by it. Events older than 35 days are not taken. */
const NAMES_DAYS_KEPT = 90

export interface RecordsOptions
  extends Pick<
    BillsOptions,
    | 'database'
    | 'issuer'
    | 'sinks'
    | 'control'
    | 'requestLogDirectory'
    | 'costs'
    | 'alertMail'
    | 'customerOf'
    | 'taxes'
    | 'payments'
  > {
  readonly source: ConfigurationSource
  readonly revocations: RevocationSource
  /** What we are called: by the gateway, where it signs contexts for us. */
  readonly service: ServiceName
  /** What we are called by planes and services, in their client assertions. */
  readonly audience: string
  /** Planes that send their journals. */
  readonly planes: readonly IntakePlane[]
  /** Wrap what must not lie in the database in plain text. */
  readonly keys: KeyEncryptionKeys
  /** What the names of logs begin with: `audit.example.com`. */
  readonly origin: string
  /** Where tenants' logs are, by their regions. Default: all in the control database. */
  readonly regions?: readonly LogRegion[]
  /** Who cosigns checkpoints. Default nobody. */
  readonly witnesses?: readonly Witness[]
  /** How often they are asked about logs that have grown, in milliseconds. Default a minute. */
  readonly witnessEveryMs?: number
  /** Where checkpoints are kept besides. Default nowhere. */
  readonly anchors?: readonly CheckpointAnchor[]
  /** Whose logs are cosigned here. Default nobody's. */
  readonly witness?: WitnessOptions
  /** Where no sink of a tenant leads, besides what the configuration says is ours. Default nowhere. */
  readonly own?: OwnPlaces
  /** Where the platform's own log is sent. Default nowhere. */
  readonly auditSinks?: readonly PlatformSink[]
  /** What is promised to tenants, and the gateways whose counts show whether it is kept. */
  readonly promises:
    | { readonly slos: readonly Slo[]; readonly gateways: readonly CountedProcess[] }
    | undefined
  readonly telemetry: Telemetry | undefined
  /** A JetStream stream that events of usage pass on their way. Default none. */
  readonly usageStream?: UsageStreamSettings
  /** How long events of usage are kept; what was summed up of them stays. Default 800 days. */
  readonly usageDaysKept?: number
  /** When detectors speak, and whether something is done then. Default: their defaults. */
  readonly behaviour?: BehaviourSettingsInput
  /** What the documents of the APIs are of. Default unknown. */
  readonly version?: string
  readonly log: (line: string) => void
}

export interface Records {
  /** For tenants, through the gateway: below `/ringfence`, with `/ringfence/openapi.json`. */
  readonly tenants: Hono
  /** For planes, services and operators: a listener that tenants do not reach, with `/v1/openapi.json`. */
  readonly intake: Hono
  /** For those whose logs are cosigned here; undefined where none are. */
  readonly witness: ((request: Request) => Promise<Response>) | undefined
  /** For whoever collects; undefined when nobody does. It trusts a message's signature alone. */
  readonly payments: Hono | undefined
  close(): Promise<void>
}

/**
 * Opens the records plane: logs and usage come in by the intake, and tenants read their own.
 * @throws RingfenceError `engine_unavailable`, `not_writable`, `invalid_argument`
 */
export async function openRecords(options: RecordsOptions): Promise<Records> {
  const { database, source, audience, planes, keys, origin, log } = options
  const closing: (() => Promise<void>)[] = []
  const close = async () => {
    for (const one of closing.toReversed()) await one()
  }
  try {
    const keepers: LogKeeper[] = []
    const forked = new ForkedLogs({ log })
    closing.push(() => forked.close())
    let keeping: RecordsKeeping | undefined
    const opened = await openRegionalLogs({
      ...{ database, source, keys, originPrefix: origin, log },
      ...{ regions: options.regions ?? [], anchors: options.anchors ?? [] },
      // Nothing is too old before it is known how long it is kept.
      onOpen: (store) => {
        if (keys.hasOlder) closing.push(wrapAnew(store, log))
        keepers.push(
          new LogKeeper({
            ...{ store, log, witnesses: options.witnesses ?? [] },
            ...(options.witnessEveryMs && { witnessEveryMs: options.witnessEveryMs }),
            daysKept: (name) => keeping?.daysKept(name),
            notSigned: (error) => forked.failed(error),
          }),
        )
      },
    })
    closing.push(async () => {
      await Promise.all(keepers.map((keeper) => keeper.close()))
      await opened.close()
    })
    const store = opened.logs
    const outside = outsideOfTenants(source, options.own)
    const metering = await openMetering({
      database,
      intake: {
        audience,
        reporterOf: (client) => reporterOf(client, planes, source),
        contextKeys: () => contextKeysOf(source.current().platform),
      },
      ...(options.usageStream === undefined ? {} : { stream: options.usageStream }),
      log,
    })
    closing.push(() => metering.close())
    const bills = await openBills({
      ...{ ...options, outside, readings: metering.readings },
      isActive: (tenant) => isActive(source, tenant),
    })
    closing.push(() => bills.close())
    forked.tell(bills.alerts)
    const watch = await watchBehaviour({
      ...{ database, alerts: bills.alerts, control: options.control, log },
      ...(options.behaviour === undefined ? {} : { settings: options.behaviour }),
    })
    closing.push(() => watch.close())
    const streams = await openStreams({
      ...{ database, store, keys, log, outside, hostname: origin },
      platform: options.auditSinks ?? [],
      callerOf: (headers) => callerOf(headers, callerOptions(options)),
      isActive: (tenant) => isActive(source, tenant),
    })
    closing.push(() => streams.close())
    const kept = await KeptTenants.open(database)
    closing.push(() => kept.close())
    keeping = new RecordsKeeping({
      kept,
      storeOf: (name) => store.storeOf(name),
      erase: {
        usage: (tenant) => metering.erase(tenant),
        bills: (tenant) => bills.erase(tenant),
        sinks: (tenant) => streams.sinks.erase(logOf(tenant)),
        'alert-sinks': (tenant) => bills.alertSinks.erase(tenant),
        alerts: (tenant) => bills.alerts.erase(ownerOf(tenant)),
        behaviour: (tenant) => watch.erase(tenant),
      },
      forgetOld: (now) => {
        const daysKept = options.usageDaysKept ?? USAGE_DAYS_KEPT
        return metering.forget(
          new Date(now.getTime() - daysKept * DAY_MS),
          NAMES_DAYS_KEPT * DAY_MS,
        )
      },
      log,
    })
    // Before anything comes in: an id that was erased may be another tenant's by now.
    await keeping.tend()
    keeping.start()
    closing.push(async () => keeping?.close())
    const intake = await openIntake({
      ...{ database, audience, planes: () => planes, log },
      logs: watch.logs(store),
      usage: watch.usage(metering.store),
    })
    closing.push(() => intake.close())
    closing.push(followMeters(options, metering))
    const reading = {
      ...{ store, log },
      keysOf: async (name: LogName) =>
        (await store.storeOf(name).keys(name)).map((key) => key.vkey),
    }
    const audit = auditApi({ ...callerOptions(options), ...reading })
    options.telemetry?.registry.add(streams.metrics)
    closing.push(watchPromises(options, bills.alerts))
    options.telemetry?.registry.add(alertMetrics(bills.alerts))
    const parts = [intake.app, ...(metering.app ? [metering.app] : [])]
    const operators = new OpenAPIHono<BlankEnv>()
      .route('/v1/billing', bills.operators)
      .route(PLATFORM_LOG_PATH, platformLogApi({ ...reading, control: options.control }))
      .route(
        '/v1/logs',
        logsApi({
          ...{ stores: () => opened.stores(), control: options.control },
          witnesses: options.witnesses?.length ?? 0,
        }),
      )
    const witness = openWitness(options)
    closing.push(witness.close)
    return {
      tenants: tenantsApp(
        { audit, sinks: streams.app, bills: bills.tenants, alerts: bills.tenantAlerts },
        options,
      ),
      intake: intakeApp(
        () => options.revocations.known && hasConfiguration(source),
        [...parts, operators, watch.operators],
        options.version,
      ),
      witness: witness.fetch,
      payments: bills.payments,
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** Has what an older key has wrapped wrapped by the one in use. @returns waits for its end */
function wrapAnew(store: PostgresLogStore, log: RecordsOptions['log']): () => Promise<void> {
  const done = rewrapKeys(store).then(
    (count) => log(`${count} keys of logs are wrapped anew`),
    (error: unknown) => log(`keys of logs are not wrapped anew: ${messageOf(error)}`),
  )
  return () => done
}

/** Cosigns others' logs, and remembers in the control database what it has cosigned. */
function openWitness({ database: settings, witness }: RecordsOptions) {
  if (witness === undefined) return { fetch: undefined, close: async () => {} }
  const database = new LogDatabase(settings)
  return { fetch: witnessService({ ...witness, database }), close: () => database.close() }
}

function callerOptions({ source, revocations, service }: RecordsOptions): CallerOptions {
  return { source, revocations, service }
}

/** Has usage measured by the meters of the configuration that is in force. @returns ends it */
function followMeters(
  { source, costs, log }: RecordsOptions,
  metering: Metering,
): () => Promise<void> {
  let running = Promise.resolve()
  let isClosed = false
  const follow = () => {
    running = running
      .then(async () => {
        if (isClosed) return
        const { platform, version } = source.current()
        const meters = platform.meters ?? []
        await metering.setMeters(costs === undefined ? meters : withCostMeters(meters), version)
      })
      .catch((error: unknown) => log(`meters: ${messageOf(error)}`))
  }
  source.onChange(follow)
  // At a first start there is none yet: the first one is a change.
  if (hasConfiguration(source)) follow()
  return () => {
    isClosed = true
    return running
  }
}

/** Has what gateways count judged by what was promised. @returns ends it */
function watchPromises(
  { promises, source, telemetry, log }: RecordsOptions,
  alerts: AlertIntake,
): () => Promise<void> {
  if (promises === undefined || promises.slos.length === 0) return async () => {}
  const { slos, gateways } = promises
  const open = openSloWatch({
    slos,
    tenants: () => (hasConfiguration(source) ? [...source.current().tenants()] : []),
    processes: { gateway: () => gateways },
    ...{ alerts, log },
  })
  telemetry?.registry.add(() => open.watch.metrics())
  return () => open.close()
}

/** Planes report for everybody, workloads for the tenants of their contexts. */
function reporterOf(
  client: ClientId,
  planes: readonly IntakePlane[],
  source: ConfigurationSource,
): Reporter | undefined {
  const plane = planes.find((one) => one.client === client)
  if (plane !== undefined) return { kind: 'plane', client, keys: plane.keys }
  const workload = source.current().platform.workloads.find((one) => one.client === client)
  if (workload === undefined) return undefined
  const { service, keys } = workload
  return { kind: 'service', client, service, keys: new KeySet(keys) }
}

function contextKeysOf({ contextKeys, jobKeys }: PlatformConfig) {
  return { request: new KeySet(contextKeys), job: new KeySet(jobKeys) }
}

/** Nothing of a tenant's leaves while it is suspended, or nobody knows whether it is. */
function isActive(source: ConfigurationSource, tenant: TenantId): boolean {
  if (!hasConfiguration(source)) return false
  const configured = source.current().tenant(tenant)
  return configured !== undefined && configured.status !== 'suspended'
}

function hasConfiguration(source: ConfigurationSource): boolean {
  try {
    return source.current().version > 0
  } catch {
    return false
  }
}
