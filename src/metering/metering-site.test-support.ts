import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { type MeterConfig, meterSchema } from '../contracts/meter.ts'
import { type UsageEvent, usageEventSchema } from '../usage/usage-event.ts'
import { type Metering, type MeteringOptions, openMetering } from './open-metering.ts'

/** Rolled up when a test asks for it. */
const NEVER_MS = 600_000

/** A database for usage, for one test file. */
export interface MeteringSite {
  readonly cluster: EmbeddedCluster
  readonly database: pg.ClientConfig
  /** Looks past the metering. */
  readonly asked: pg.Pool
  open(options?: Partial<MeteringOptions>): Promise<Metering>
  close(): Promise<void>
}

/** @param settings of the server. Without any, nothing survives the machine's end. */
export async function meteringSite(
  settings: Readonly<Record<string, string>> = {},
): Promise<MeteringSite> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'rf-metering-')))
  const cluster = await startSeeded({ name: 'usage', directory, profile: 'silo', settings })
  const database: pg.ClientConfig = { ...cluster.admin }
  const asked = new pg.Pool({ ...database, max: 2 })
  asked.on('error', () => {})
  await asked.query('create schema usage')
  const opened: Metering[] = []
  return {
    cluster,
    database,
    asked,
    async open(options = {}) {
      const metering = await openMetering({
        database,
        log: () => {},
        beatMs: NEVER_MS,
        ...options,
      })
      opened.push(metering)
      return metering
    },
    async close() {
      for (const metering of opened) await metering.close()
      await asked.end()
      await cluster.stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

export const ACME = parseTenantId('acme')
export const BETA = parseTenantId('beta')

let events = 0

/** An event of a service's, with what a test says of it. */
export function usageEvent(more: Partial<Record<keyof UsageEvent, unknown>> = {}): UsageEvent {
  events += 1
  return usageEventSchema.parse({
    specversion: '1.0',
    id: `event-${events}`,
    source: '/services/clinic',
    type: 'dev.example.visit',
    time: new Date().toISOString(),
    tenantid: ACME,
    ...more,
  })
}

export const meterOf = (meter: object): MeterConfig =>
  meterSchema.parse({ unit: 'visit', events: ['dev.example.visit'], ...meter })

/** Hands events over as one batch of a service's. */
export const add = (metering: Metering, batch: readonly UsageEvent[]) =>
  metering.store.add(batch.map((event) => ({ event, reporter: 'clinic-web' })))

let tenants = 0
/** A tenant that no other test has. */
export function newTenant(): TenantId {
  tenants += 1
  return parseTenantId(`tenant-${tenants}`)
}
