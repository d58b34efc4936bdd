import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Alerts } from '../../alerts/open-alerts.ts'
import type { StoredResponses } from '../../behaviour/stored-responses.ts'
import { Hono } from 'hono'
import { type Billing, openBilling } from '../../billing/open-billing.ts'
import { RecordedRows } from '../../billing/reconcile/recorded-rows.ts'
import { BillingDatabase } from '../../billing/store/billing-database.ts'
import { startEmbedded } from '../../clusters/embedded-cluster.ts'
import { openThrowAwayRoom } from '../../clusters/throw-away-room.ts'
import { newPassword, scramVerifier } from '../../clusters/scram.ts'
import { prepareWithoutWorkflows } from '../../control/control-database.ts'
import { listen } from '../../http/listen.ts'
import { type Metering, openMetering } from '../../metering/open-metering.ts'
import { callerOf } from '../../records/api/caller.ts'
import { operatorOf } from '../../records/api/operator.ts'
import { IntakeDatabase } from '../../records/intake/intake-database.ts'
import type { IntakePlane } from '../../records/intake/judge-lines.ts'
import { KeyEncryptionKeys } from '../../records/log/key-encryption.ts'
import { LogDatabase } from '../../records/log/log-database.ts'
import { openLogStore } from '../../records/log/open-log-store.ts'
import type { PostgresLogStore } from '../../records/log/postgres-log-store.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import {
  GATEWAY,
  type Ground,
  ISSUER,
  METER,
  ORIGIN,
  PLANE_CATEGORIES,
  READER,
  SERVICE,
  VENDING,
  WRITER,
} from './ground.ts'
import { revocationsOf, sourceOf } from './known.ts'
import { openTold } from './told.ts'

/** Nobody needs a rehearsal's server after a crash of the machine. */
const THROW_AWAY = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' } as const

/** What all copies of a rehearsal share: one database, and what stands on it. */
export interface Site {
  readonly ground: Ground
  /** As the records plane's role. */
  readonly settings: BillingSettings
  /** As an administrator of the server: what really is there. */
  readonly admin: LogDatabase
  /** As the role of another plane. */
  readonly asPlane: (role: string) => LogDatabase
  readonly keys: KeyEncryptionKeys
  readonly planes: readonly IntakePlane[]
  readonly logs: PostgresLogStore
  readonly metering: Metering
  readonly intake: IntakeDatabase
  readonly billing: Billing
  /** What billing reads of the registry. */
  readonly billingRows: BillingDatabase
  /** As the records plane's role. */
  readonly records: LogDatabase
  /** Of all tenants. The plane itself has them too, and is who tells. */
  readonly alerts: Alerts
  /** What detectors have done. */
  readonly responses: StoredResponses
  /** What planes on the site have logged. */
  readonly logged: string[]
  /** Where it is asked who an operator is. */
  readonly control: string
  /** Invoices' numbers, by tenant. */
  readonly numbers: Map<string, string>
  close(): Promise<void>
}

export type BillingSettings = Parameters<typeof BillingDatabase.open>[0]

export async function openSite(ground: Ground): Promise<Site> {
  const room = await openThrowAwayRoom('records')
  const { directory } = room
  const closing: (() => Promise<unknown>)[] = [() => room.close()]
  const close = async () => {
    for (const one of closing.splice(0).reverse()) await one()
  }
  const opened = <T extends { close(): Promise<unknown> }>(one: T): T => {
    closing.push(() => one.close())
    return one
  }
  try {
    const cluster = await startEmbedded({
      name: 'records-proof',
      directory: join(directory, 'control'),
      profile: 'control',
      settings: THROW_AWAY,
    })
    closing.push(() => cluster.stop())
    const password = newPassword()
    const verifier = await scramVerifier(password)
    await prepareWithoutWorkflows(cluster.admin, {
      rf_control: verifier,
      rf_identity: verifier,
      rf_vending: verifier,
      rf_gateway: verifier,
      rf_records: verifier,
    })
    const settings = { ...cluster.admin, user: 'rf_records', password }
    const admin = opened(new LogDatabase(cluster.admin))
    const log = () => undefined
    const keys = new KeyEncryptionKeys([randomBytes(32)])
    const logs = opened(await openLogStore({ database: settings, keys, originPrefix: ORIGIN, log }))
    const metering = opened(await openMetering({ database: settings, log }))
    await metering.setMeters([METER], 1)
    const intake = opened(await IntakeDatabase.open(settings))
    const control = opened(await listen(callers().fetch, { host: '127.0.0.1', port: 0 }))
    const direct = opened(await BillingDatabase.open(settings))
    const told = opened(await openTold(settings, direct))
    const source = sourceOf(ground)
    const revocations = revocationsOf(ground)
    const billing = opened(
      await openBilling({
        database: settings,
        usage: metering.readings,
        recorded: new RecordedRows(direct, metering.readings),
        alerts: { signal: () => Promise.resolve() },
        issuer: ISSUER,
        callerOf: (headers) => callerOf(headers, { source, revocations, service: SERVICE }),
        operatorOf: (headers, act) => operatorOf(control.url, headers, act),
        log,
      }),
    )
    return {
      ...{ ground, settings, admin, keys, logs, metering, intake, billing, close },
      billingRows: direct,
      records: told.records,
      alerts: told.alerts,
      responses: told.responses,
      logged: [],
      asPlane: (role) => new LogDatabase({ ...cluster.admin, user: role, password }),
      planes: planesOf(ground),
      control: control.url,
      numbers: new Map(),
    }
  } catch (error) {
    await close()
    throw error
  }
}

function planesOf({ keys }: Ground): readonly IntakePlane[] {
  return [
    {
      client: GATEWAY,
      keys: new KeySet([keys.gateway.publicJwk]),
      categories: PLANE_CATEGORIES['gateway'] ?? [],
    },
    {
      client: VENDING,
      keys: new KeySet([keys.vending.publicJwk]),
      categories: PLANE_CATEGORIES['vending'] ?? [],
    },
  ]
}

/** The part of the control plane that says who an operator is. */
function callers(): Hono {
  const app = new Hono()
  const scopes = new Map([
    [`Bearer ${READER}`, ['tenants:read']],
    [`Bearer ${WRITER}`, ['tenants:read', 'catalogue:write']],
    ['Bearer operator-without', ['leases:read']],
  ])
  app.get('/v1/caller', (context) => {
    const found = scopes.get(context.req.header('authorization') ?? '')
    return found === undefined
      ? context.json({}, 401)
      : context.json({ name: 'operator', scopes: found })
  })
  return app
}
