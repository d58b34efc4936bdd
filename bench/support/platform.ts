import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostCell } from '../../src/cells/cell-host.ts'
import { remoteBoundary, remoteLeaser } from '../../src/cells/remote-boundary.ts'
import { ControlClient } from '../../src/cli/control-client.ts'
import { startEmbedded } from '../../src/clusters/embedded-cluster.ts'
import { newPassword, scramVerifier } from '../../src/clusters/scram.ts'
import { controlApi } from '../../src/control/api/control-api.ts'
import { prepareControlDatabase } from '../../src/control/control-database.ts'
import { OPERATOR_SCOPES } from '../../src/control/control-plane.ts'
import { openControlPlane } from '../../src/control/open-control-plane.ts'
import { parseClientId, parsePlanName, parseServiceName } from '../../src/core/names.ts'
import { parseCellName } from '../../src/core/tenant.ts'
import { listen } from '../../src/http/listen.ts'
import { openIdentity } from '../../src/identity/open-identity.ts'
import type { RealmAdministration } from '../../src/identity/realm-administration.ts'
import type { LiveBoundary } from '../../src/boundaries/boundary.ts'
import type { RingfenceOptions } from '../../src/sdk/options.ts'
import { MemoryRevocations } from '../../src/revocation/memory-revocations.test-support.ts'
import { type FollowerOptions, SnapshotFollower } from '../../src/snapshot/snapshot-follower.ts'
import type { ServiceConfig } from '../../src/snapshot/snapshot.ts'
import { SigningKey } from '../../src/tokens/signing-key.ts'
import { Sweeper } from '../../src/vending/sweeper.ts'
import { openVending } from '../../src/vending/vending.ts'
import { type Arena, openArena, REGION } from './arena.ts'
import type { Asker } from './exchange.ts'

const AUDIENCE = 'https://api.bench.test'
const VENDING = 'bench-vending'
const CELL = parseCellName('bench')
export const PLAN = parsePlanName('bench')
export const SERVICE = parseServiceName('bench')
const CLIENT = parseClientId('bench')
const TIERS = ['pooled', 'bridge', 'silo'] as const
const ROLES = ['rf_control', 'rf_identity', 'rf_vending', 'rf_gateway'] as const
type Role = (typeof ROLES)[number]
/** More than a bench asks for: what is measured are not the limits. */
const PER_MINUTE = 1_000_000
const OPERATOR = { kind: 'system', scopes: OPERATOR_SCOPES, requestId: 'bench' } as const

/** What a process needs to follow the configuration; it can be sent to one. */
export interface Following extends Pick<FollowerOptions, 'directory' | 'keys'> {
  readonly database: {
    host: string
    port: number
    user: string
    password: string
    database: string
  }
}

/**
 * The control plane behind its API, realms, vending and a cell, with servers and files of their own.
 * All of it but the database servers is in this process, where each waits for the others; gateways
 * and services are processes that a bench starts beside it.
 */
export interface BenchPlatform {
  readonly arena: Arena
  readonly api: ControlClient
  readonly realms: RealmAdministration
  /** The cell as the control plane reaches it. */
  readonly cell: LiveBoundary
  /** Signs tenant contexts: give it to gateways. */
  readonly contextKey: SigningKey
  readonly asker: Asker
  /** Options of the one service's SDK; they can be sent to a process. */
  readonly service: RingfenceOptions
  readonly vending: string
  /** For one gateway process. */
  following(name: string): Following
  close(): Promise<void>
}

export interface PlatformOptions {
  readonly directory: string
  /** Made before the platform, as its configuration names them. */
  readonly services?: (service: RingfenceOptions) => Promise<readonly ServiceConfig[]>
}

export async function openPlatform(options: PlatformOptions): Promise<BenchPlatform> {
  const cleanUps: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp()
  }
  try {
    return { ...(await openParts(options, cleanUps)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openParts(
  { directory, services }: PlatformOptions,
  cleanUps: (() => Promise<unknown>)[],
): Promise<Omit<BenchPlatform, 'close'>> {
  const database = await controlDatabase(directory, cleanUps)
  const arena = await openArena({ directory, bridges: true })
  cleanUps.push(() => arena.close())
  const sockets = { keeper: join(directory, 'keeper.sock'), leaser: join(directory, 'leaser.sock') }
  const host = await hostCell({ boundary: arena.boundary, ...sockets })
  cleanUps.push(() => host.close())
  const keys = {
    snapshot: await SigningKey.create('EdDSA'),
    job: await SigningKey.create('ES256'),
    context: await SigningKey.create('ES256'),
    client: await SigningKey.create('ES256'),
  }
  const vendingSocket = join(directory, 'vending.sock')
  const service: RingfenceOptions = {
    ...{ service: SERVICE, clientId: CLIENT, clientKey: keys.client.privateJwk },
    contextKeys: { request: [keys.context.publicJwk], job: [keys.job.publicJwk] },
    vending: { address: `unix:${vendingSocket}`, audience: VENDING },
  }
  const sealingKeyFile = join(directory, 'sealing-key')
  await writeFile(sealingKeyFile, randomBytes(32).toString('base64url'), { mode: 0o600 })
  const identity = await openIdentity({
    database: database('rf_identity'),
    baseUrl: 'https://id.bench.test',
    audience: AUDIENCE,
    adminAudience: 'bench-identity',
    adminClients: [],
    sealingKeyFile,
    log: () => {},
  })
  cleanUps.push(() => identity.close())
  const cell = remoteBoundary(host.keeper, 'postgres', TIERS)
  const plane = await openControlPlane({
    database: database('rf_control'),
    executorId: 'bench',
    ports: { cells: { boundaries: async () => [cell] }, realms: identity.realms },
    keys: { snapshot: keys.snapshot, job: keys.job },
    signReceipt: async (_, payload) => Buffer.from(payload).toString('base64'),
    exportDirectory: join(directory, 'exports'),
    platform: {
      audience: AUDIENCE,
      contextKeys: [keys.context.publicJwk],
      services: [...((await services?.(service)) ?? [])],
      workloads: [
        {
          ...{ client: CLIENT, service: SERVICE, keys: [keys.client.publicJwk] },
          scopes: ['read', 'write'],
        },
      ],
    },
    assertionAudience: 'bench-control',
  })
  cleanUps.push(() => plane.close())
  const by = { ...OPERATOR, name: 'bench' }
  await plane.catalogue.putCell({ name: CELL, region: REGION, capacity: 100_000, open: true }, by)
  await plane.catalogue.putPlan(
    {
      ...{ name: PLAN, tiers: TIERS, leaseSecondsMax: 900, approval: false },
      ...{ requestsPerMinute: PER_MINUTE, leasesPerMinute: PER_MINUTE },
    },
    by,
  )
  const token = (await plane.operators.bootstrap()) ?? ''
  const door = await listen(controlApi(plane, { version: 'bench', log: () => {} }).fetch, {
    socket: join(directory, 'control.sock'),
  })
  cleanUps.push(() => door.close())
  const followingAs = (role: Role, name: string): Following => ({
    directory: join(directory, 'configuration', name),
    keys: [keys.snapshot.publicJwk],
    database: database(role),
  })
  await openVendingAt(followingAs('rf_vending', 'vending'), host.leaser, directory, cleanUps)
  return {
    arena,
    api: new ControlClient({ server: door.url, token }),
    realms: identity.realms,
    cell,
    contextKey: keys.context,
    asker: {
      ...{ client: CLIENT, service: SERVICE, audience: VENDING },
      ...{ clientKey: keys.client, contextKey: keys.context },
    },
    service,
    vending: service.vending.address,
    following: (name) => followingAs('rf_gateway', name),
  }
}

/** How each plane logs in to a control database that is ready for all of them. */
async function controlDatabase(directory: string, cleanUps: (() => Promise<unknown>)[]) {
  const cluster = await startEmbedded({
    name: 'control',
    directory: join(directory, 'control'),
    profile: 'control',
  })
  cleanUps.push(() => cluster.stop())
  const password = newPassword()
  const verifier = await scramVerifier(password)
  await prepareControlDatabase(cluster.admin, {
    ...{ rf_control: verifier, rf_identity: verifier },
    ...{ rf_vending: verifier, rf_gateway: verifier },
    rf_records: verifier,
  })
  return (user: Role) => ({ ...cluster.admin, user, password })
}

async function openVendingAt(
  following: Following,
  leaserAddress: string,
  directory: string,
  cleanUps: (() => Promise<unknown>)[],
): Promise<void> {
  const follower = await SnapshotFollower.open(following)
  cleanUps.push(() => follower.close())
  await follower.ready()
  const leaser = remoteLeaser(leaserAddress)
  const vending = await openVending({
    audience: VENDING,
    configuration: follower,
    revocations: new MemoryRevocations(),
    leaserOf: () => leaser,
    journal: { directory: join(directory, 'journal') },
    log: () => {},
  })
  cleanUps.push(() => vending.close())
  const listening = await listen(vending.app.fetch, { socket: join(directory, 'vending.sock') })
  cleanUps.push(() => listening.close())
  const sweeper = new Sweeper({ leasers: () => [leaser] })
  sweeper.start()
  cleanUps.push(() => sweeper.stop())
}
