import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { type Price, priceSchema } from '../contracts/price.ts'
import { parsePlanName } from '../core/names.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { type BillingCatalogue, FOREVER, type PlanSpan, type PriceVersion } from './catalogue.ts'
import { Drafting, type DraftingParts } from './invoices/drafting.ts'
import type { Customer, Issuer } from './invoices/invoice.ts'
import { type BillingAct, Invoices } from './invoices/invoices.ts'
import { MemoryReadings } from './memory-readings.test-support.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { BillingDatabase } from './store/billing-database.ts'
import { taxesByCountry } from './taxes.ts'

export const ACME = parseTenantId('acme')
export const GLOBEX = parseTenantId('globex')
export const BASIC = parsePlanName('basic')
export const PRO = parsePlanName('pro')

export const ISSUER: Issuer = {
  id: 'ringfence',
  name: 'Ringfence GmbH',
  address: ['Hafenweg 1', '20457 Hamburg'],
  taxId: 'DE123456789',
  prefix: 'RF-',
}
export const CUSTOMER: Customer = {
  name: 'Acme Clinics',
  address: ['Main Street 5', '10115 Berlin'],
  country: 'DE',
}

export const day = (text: string): Date => new Date(`${text}T00:00:00Z`)

/** What was registered, written by hand. */
export class MemoryCatalogue implements BillingCatalogue {
  readonly plans = new Map<string, PriceVersion[]>()
  readonly tenantsSpans = new Map<TenantId, PlanSpan[]>()
  readonly beginnings = new Map<TenantId, Date>()

  apply(plan: string, appliedAt: Date, price: object | undefined): void {
    const versions = this.plans.get(plan) ?? []
    const read: Price | undefined = price && priceSchema.parse(price)
    const generation = versions.length + 1
    versions.push({ plan: parsePlanName(plan), generation, appliedAt, price: read })
    this.plans.set(plan, versions)
  }

  put(tenant: TenantId, plan: string, from: Date, to: Date = FOREVER): void {
    const spans = this.tenantsSpans.get(tenant) ?? []
    spans.push({ plan: parsePlanName(plan), from, to })
    this.tenantsSpans.set(tenant, spans)
  }

  tenants(): Promise<readonly TenantId[]> {
    return Promise.resolve([...this.tenantsSpans.keys()])
  }

  spans(tenant: TenantId): Promise<readonly PlanSpan[]> {
    return Promise.resolve(this.tenantsSpans.get(tenant) ?? [])
  }

  since(tenant: TenantId): Promise<Date> {
    return Promise.resolve(this.beginnings.get(tenant) ?? new Date(0))
  }

  /** The id is another customer's from now on. */
  reuse(tenant: TenantId, from: Date): void {
    this.tenantsSpans.delete(tenant)
    this.beginnings.set(tenant, from)
  }

  versions(plan: string): Promise<readonly PriceVersion[]> {
    return Promise.resolve(this.plans.get(plan) ?? [])
  }
}

export const PRICE = {
  currency: 'EUR',
  charges: [
    { name: 'base', kind: 'flat', amount: 3000 },
    {
      name: 'calls',
      kind: 'graduated',
      meter: 'requests',
      included: 100,
      tiers: [
        { upTo: 1000, amount: 7, per: 10 },
        { amount: 3, per: 10 },
      ],
    },
  ],
}

let server: Promise<EmbeddedCluster> | undefined
let databases = 0

// Here and not where it is started: that is inside a test, and would end with that test.
after(async () => {
  const cluster = await server
  if (cluster?.directory === undefined) return
  await cluster.stop()
  rmSync(cluster.directory, { recursive: true, force: true, maxRetries: 10 })
})

/** A database of the test's own, with an empty schema `billing`, on one server for all tests of a file. */
export async function billingSettings(): Promise<DatabaseSettings> {
  server ??= startSeeded({
    name: 'test',
    profile: 'silo',
    directory: mkdtempSync(join(tmpdir(), 'rf-test-')),
    settings: { max_connections: '60' },
  })
  const { admin } = await server
  databases += 1
  const database = `billing_${databases}`
  const maker = new pg.Client(admin)
  await maker.connect()
  await maker.query(`create database ${database}`)
  await maker.end()
  const settings = { ...admin, database }
  const client = new pg.Client(settings)
  await client.connect()
  await client.query('create schema billing')
  await client.end()
  return settings
}

export interface BillingSite {
  readonly settings: DatabaseSettings
  readonly database: BillingDatabase
  readonly catalogue: MemoryCatalogue
  readonly usage: MemoryReadings
  readonly drafting: Drafting
  readonly invoices: Invoices
  readonly acts: readonly BillingAct[]
  /** Set it to move the clock. */
  readonly clock: { now: Date }
  /** Counts units of a meter at a moment. */
  readonly use: (
    tenant: TenantId,
    units: number,
    at: Date,
    group?: Readonly<Record<string, string>>,
  ) => void
}

export async function billingSite(
  t: TestContext,
  parts: Partial<DraftingParts> & { readonly entered?: () => Promise<void> } = {},
  meters: readonly string[] = [],
): Promise<BillingSite> {
  const settings = await billingSettings()
  const database = await BillingDatabase.open(settings)
  t.after(() => database.close())
  const catalogue = new MemoryCatalogue()
  const usage = new MemoryReadings(['requests', 'storage', ...meters])
  const clock = { now: day('2026-08-02') }
  const acts: BillingAct[] = []
  const drafting = new Drafting({
    catalogue,
    usage,
    taxes: taxesByCountry({ DE: [{ name: 'VAT', rate: 1900 }] }),
    issuerOf: () => Promise.resolve(ISSUER),
    customerOf: () => Promise.resolve(CUSTOMER),
    ...parts,
  })
  const invoices = new Invoices({
    database,
    drafting,
    catalogue,
    now: () => clock.now,
    entered: async (_tx, act) => {
      await parts.entered?.()
      acts.push(act)
    },
  })
  let events = 0
  return {
    settings,
    database,
    catalogue,
    usage,
    drafting,
    invoices,
    acts,
    clock,
    use(tenant, units, at, group) {
      events += 1
      const event = { source: 'test', id: String(events), tenant, meter: 'requests', time: at }
      usage.add({ ...event, units: BigInt(units), ...(group === undefined ? {} : { group }) })
    },
  }
}
