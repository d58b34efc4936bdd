import assert from 'node:assert/strict'
import { mkdtemp, realpath, rm, chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import { scramVerifier } from '../clusters/scram.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { parsePlanName } from '../core/names.ts'
import { parseCellName, parseRegion, parseTenantId, type Tier } from '../core/tenant.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { prepareControlDatabase } from './control-database.ts'
import { type Actor, OPERATOR_SCOPES, type WorkflowView } from './control-plane.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'
import { FAKE_CELL_TABLES } from './fake-cell.test-support.ts'
import { type FakePorts, fakePorts } from './fake-ports.test-support.ts'
import {
  type ControlPlaneOptions,
  openControlPlane,
  type OpenControlPlane,
} from './open-control-plane.ts'
import type { PlaneRole } from './plane-roles.ts'

export const EU = parseRegion('eu-west')
export const US = parseRegion('us-east')
export const STANDARD = parsePlanName('standard')
export const GUARDED = parsePlanName('guarded')

export { until } from '../core/until.test-support.ts'

/** A control database with fake cells in two regions, for one test file. */
export interface ControlSite {
  readonly directory: string
  readonly admin: DatabaseSettings
  /** Where the fake cells and realms keep their state. */
  readonly fake: DatabaseSettings
  readonly ports: FakePorts
  readonly settings: Readonly<Record<PlaneRole, DatabaseSettings>>
  readonly keys: { readonly snapshot: SigningKey; readonly job: SigningKey }
  /** Options for a control plane that looks often and gives up early. */
  options(overrides?: Partial<ControlPlaneOptions>): ControlPlaneOptions
  /** Each line that a plane of the site logged. */
  readonly log: readonly string[]
  /** Opens the plane; it is closed with the site at the latest. */
  open(overrides?: Partial<ControlPlaneOptions>): Promise<OpenControlPlane>
  /** As the administrator of the control database. */
  ask<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
  /** What the fake engines hold. */
  askFake<Row extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>
  stop(): Promise<void>
}

export async function startControlSite(): Promise<ControlSite> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'rf-test-')))
  await chmod(directory, 0o711)
  const options = {
    name: 'control',
    directory: join(directory, 'control'),
    profile: 'control',
    settings: { max_connections: '200' },
  } as const
  const cluster = await startSeeded(options, { name: 'control', fill })
  try {
    return await siteOn(cluster, directory)
  } catch (error) {
    await cluster.stop()
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

const FAKE = 'fake'
const passwordOf = (role: PlaneRole) => `${role}-of-this-test-only`

/** The planes' roles and schemas, and a database for what the fake cells and realms hold. */
async function fill({ admin }: EmbeddedCluster): Promise<void> {
  const verifierOf = (role: PlaneRole) => scramVerifier(passwordOf(role))
  await prepareControlDatabase(admin, {
    rf_control: await verifierOf('rf_control'),
    rf_identity: await verifierOf('rf_identity'),
    rf_vending: await verifierOf('rf_vending'),
    rf_gateway: await verifierOf('rf_gateway'),
    rf_records: await verifierOf('rf_records'),
  })
  await once(admin, `create database ${FAKE}`)
  await once({ ...admin, database: FAKE }, FAKE_CELL_TABLES)
}

async function once(settings: DatabaseSettings, sql: string): Promise<void> {
  const client = new pg.Client(settings)
  await client.connect()
  try {
    await client.query(sql)
  } finally {
    await client.end()
  }
}

async function siteOn(cluster: EmbeddedCluster, directory: string): Promise<ControlSite> {
  const { admin } = cluster
  const as = (user: PlaneRole): DatabaseSettings => ({ ...admin, user, password: passwordOf(user) })
  const settings = {
    rf_control: as('rf_control'),
    rf_identity: as('rf_identity'),
    rf_vending: as('rf_vending'),
    rf_gateway: as('rf_gateway'),
    rf_records: as('rf_records'),
  }
  const asked = new pg.Pool({ ...admin, max: 2 })
  asked.on('error', () => {})
  const fake = { ...admin, database: FAKE }
  const fakeAsked = new pg.Pool({ ...fake, max: 2 })
  fakeAsked.on('error', () => {})
  const ports = fakePorts(fake, ['eu-1', 'eu-2', 'us-1'])
  const keys = {
    snapshot: await SigningKey.create('EdDSA'),
    job: await SigningKey.create('ES256'),
  }
  let opened: OpenControlPlane | undefined
  const log: string[] = []
  const options: ControlSite['options'] = (overrides = {}) => ({
    database: settings.rf_control,
    executorId: 'control-1',
    ports,
    keys,
    signReceipt: async (type, payload) =>
      JSON.stringify({ payloadType: type, payload: Buffer.from(payload).toString('base64') }),
    exportDirectory: join(directory, 'exports'),
    platform: PLATFORM,
    assertionAudience: 'urn:ringfence:control',
    retry: { tries: 2, firstMs: 1, longestMs: 1 },
    superviseEveryMs: 50,
    log: (line) => log.push(line),
    deadAfterMs: 500,
    ...overrides,
  })
  return {
    directory,
    admin,
    fake,
    ports,
    settings,
    keys,
    options,
    log,
    open: async (overrides) => {
      await opened?.close()
      opened = undefined
      opened = await openControlPlane(options(overrides))
      const { close } = opened
      const plane = {
        ...opened,
        close: async () => {
          opened = undefined
          await close()
        },
      }
      opened = plane
      return plane
    },
    ask: async <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) =>
      (await asked.query<Row>(sql, values)).rows,
    askFake: async <Row extends pg.QueryResultRow>(sql: string, values?: unknown[]) =>
      (await fakeAsked.query<Row>(sql, values)).rows,
    stop: async () => {
      await opened?.close()
      await Promise.all([ports.close(), asked.end(), fakeAsked.end()])
      await cluster.stop()
      await rm(directory, { recursive: true, force: true, maxRetries: 10 })
    },
  }
}

const PLATFORM = {
  audience: 'https://api.example.test',
  contextKeys: [],
  services: [],
  workloads: [],
}

export function operator(name: string, scopes: Actor['scopes'] = OPERATOR_SCOPES): Actor {
  return { kind: 'operator', name, scopes, requestId: `request-of-${name}` }
}

export const jane = operator('jane')
export const erin = operator('erin')

/** A cell in each of two regions, and a plan with and one without an approval. */
export async function fillCatalogue({ catalogue }: OpenControlPlane): Promise<void> {
  const cell = { capacity: 1_000, open: true }
  await catalogue.putCell({ ...cell, name: parseCellName('eu-1'), region: EU }, jane)
  await catalogue.putCell({ ...cell, name: parseCellName('us-1'), region: US }, jane)
  const plan = {
    tiers: ['pooled', 'bridge', 'silo'],
    requestsPerMinute: 600,
    leasesPerMinute: 60,
    leaseSecondsMax: 900,
  } as const
  await catalogue.putPlan({ ...plan, name: STANDARD, approval: false }, jane)
  await catalogue.putPlan({ ...plan, name: GUARDED, approval: true }, jane)
}

export function request(id: string, tier: Tier = 'pooled') {
  return {
    id: parseTenantId(id),
    displayName: `The ${id} company`,
    tier,
    region: EU,
    plan: STANDARD,
  }
}

export const tenant = parseTenantId

/** The workflow when it has ended, or waits. */
export async function settled(
  plane: OpenControlPlane,
  { id }: WorkflowView,
): Promise<WorkflowView> {
  for await (const event of plane.workflows.events(id, 0, new AbortController().signal)) {
    if (event.state !== 'waiting') continue
    const now = await plane.workflows.get(id)
    if (now.state === 'waiting') return now
  }
  return plane.workflows.get(id)
}

/** The workflow after it has succeeded. */
export async function succeeded(
  plane: OpenControlPlane,
  begun: WorkflowView,
): Promise<WorkflowView> {
  const ended = await settled(plane, begun)
  assert.equal(ended.state, 'succeeded', ended.error ?? ended.state)
  return ended
}

/** An active tenant. */
export async function onboarded(plane: OpenControlPlane, id: string, tier: Tier = 'pooled') {
  await succeeded(plane, await plane.tenants.create(request(id, tier), jane))
  return parseTenantId(id)
}
