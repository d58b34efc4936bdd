import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import type { EmbeddedCluster } from '../clusters/embedded-cluster.ts'
import { scratch } from '../clusters/scratch.test-support.ts'
import { startSeeded } from '../clusters/test-seed.test-support.ts'
import { until } from '../core/until.test-support.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { SNAPSHOT_MIGRATIONS } from './migrations.ts'
import { publishChange, publishConfirmation, type SnapshotChange } from './publish.ts'
import { type FollowerOptions, SnapshotFollower } from './snapshot-follower.ts'

/** A control database with schema `snapshot`, a publisher, and whoever follows. */
export interface ControlDatabase {
  readonly key: SigningKey
  readonly settings: pg.ClientConfig
  readonly client: pg.Client
  readonly publish: (change: Partial<SnapshotChange>) => Promise<number>
  readonly confirm: () => Promise<void>
  readonly follow: (options?: Partial<FollowerOptions>) => Promise<SnapshotFollower>
}

let server: Promise<EmbeddedCluster> | undefined
let databases = 0

/** One server for all tests of a file. */
function sharedServer(): Promise<EmbeddedCluster> {
  server ??= startSeeded({
    name: 'test',
    profile: 'silo',
    directory: mkdtempSync(join(tmpdir(), 'rf-test-')),
    settings: { max_connections: '60' },
  })
  return server
}

// Here and not where it is started: that is inside a test, and would end with that test.
after(async () => {
  const cluster = await server
  if (cluster?.directory === undefined) return
  await cluster.stop()
  rmSync(cluster.directory, { recursive: true, force: true, maxRetries: 10 })
})

export async function controlDatabase(t: TestContext): Promise<ControlDatabase> {
  const { admin } = await sharedServer()
  databases += 1
  const settings = { ...admin, database: `control_${databases}` }
  const maker = await connected(admin)
  await maker.query(`create database ${settings.database}`)
  await maker.end()
  const key = await SigningKey.create('EdDSA')
  const client = await connected(settings)
  await freshSchema(client)
  const followers: SnapshotFollower[] = []
  t.after(async () => {
    await Promise.all(followers.map((follower) => follower.close()))
    await client.end()
  })
  return {
    key,
    settings,
    client,
    publish: (change) => publishing(client, key, change),
    confirm: () => publishConfirmation(client, key),
    async follow(options = {}) {
      const follower = await SnapshotFollower.open({
        directory: `${scratch(t)}/snapshot`,
        keys: [key.publicJwk],
        database: settings,
        pollMs: 200,
        ...options,
      })
      followers.push(follower)
      return follower
    },
  }
}

export async function connected(settings: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(settings)
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** The schema as it is at the start, whatever was there. */
export async function freshSchema(client: pg.Client): Promise<void> {
  await client.query('drop schema if exists snapshot cascade; create schema snapshot')
  for (const sql of SNAPSHOT_MIGRATIONS) await client.query(sql)
}

/** A change in a transaction of its own. */
export async function publishing(
  client: pg.Client,
  key: SigningKey,
  change: Partial<SnapshotChange>,
): Promise<number> {
  await client.query('begin')
  try {
    const version = await publishChange(client, key, { tenants: [], removed: [], ...change })
    await client.query('commit')
    return version
  } catch (error) {
    await client.query('rollback')
    throw error
  }
}

/** Waits until a follower has a version in force. */
export function reached(follower: SnapshotFollower, version: number): Promise<void> {
  return until(() => versionOf(follower) >= version)
}

/** 0 when there is nothing to serve from. */
export function versionOf(follower: SnapshotFollower): number {
  try {
    return follower.current().version
  } catch {
    return 0
  }
}
