import type pg from 'pg'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { hashOf, sealConfirmation, sealRecord } from './seal.ts'
import { type PlatformConfig, recordSchema, type TenantConfig } from './snapshot.ts'

/** Carries nothing but the number of the newest version. */
export const SNAPSHOT_CHANNEL = 'ringfence_snapshot'

/** SQLSTATE unique_violation. */
const UNIQUE_VIOLATION = '23505'

/** What a new version says. The first says what the platform is. */
export interface SnapshotChange {
  readonly platform?: PlatformConfig
  /** New or different tenants, whole. */
  readonly tenants: readonly TenantConfig[]
  /** Tenants that are to be forgotten. Not an error if they are not there. */
  readonly removed: readonly TenantId[]
}

/**
 * Appends the next version to the chain, inside the caller's transaction: it is in force, and
 * readers are told, when that commits. Publishers wait for each other until then, so do it last.
 * Returns the new version.
 * @throws RingfenceError `invalid_argument` for a change that contradicts itself or is not of the
 *   form of `snapshot.ts`, or a first one without a platform; `conflict` for a host name that another
 *   tenant has. The transaction must be rolled back then.
 */
export async function publishChange(
  client: pg.ClientBase,
  key: SigningKey,
  change: SnapshotChange,
): Promise<number> {
  const { rows } = await client.query<{ version: string; hash: string }>(
    'select version, hash from snapshot.head for update',
  )
  const head = rows[0]
  if (head === undefined) throw new RingfenceError('internal', 'the snapshot has no head')
  const record = recordSchema.safeParse({
    kind: 'change',
    version: Number(head.version) + 1,
    issuedAt: new Date().toISOString(),
    previous: head.hash,
    ...change,
  })
  if (!record.success) throw invalid(record.error.issues[0]?.message ?? 'it is of another form')
  refuseContradiction(record.data)
  const { version, platform, tenants, removed } = record.data
  if (version === 1 && platform === undefined) throw invalid('the first one names no platform')
  const text = await sealRecord(key, record.data)
  await client.query('insert into snapshot.change (version, text) values ($1, $2)', [version, text])
  await client.query(
    `update snapshot.head set version = $1, hash = $2, platform = coalesce($3::json, platform)`,
    [version, hashOf(text), platform === undefined ? null : JSON.stringify(platform)],
  )
  await keepTenants(client, tenants, removed)
  await client.query('select pg_notify($1, $2)', [SNAPSHOT_CHANNEL, String(version)])
  return version
}

/**
 * Says anew that the newest version is in force, so that readers know that they missed nothing and
 * are not cut off. To be called every few seconds. Does nothing before the first version.
 */
export async function publishConfirmation(client: pg.ClientBase, key: SigningKey): Promise<void> {
  const { rows } = await client.query<{ version: string; hash: string }>(
    'select version, hash from snapshot.head where version > 0',
  )
  const head = rows[0]
  if (head === undefined) return
  const text = await sealConfirmation(key, {
    version: Number(head.version),
    hash: head.hash,
    at: new Date().toISOString(),
  })
  // A version that was published meanwhile is its own confirmation.
  await client.query('update snapshot.head set confirmation = $1 where version = $2', [
    text,
    head.version,
  ])
}

/** The present state, from which bases are made and in which no host has two owners. */
async function keepTenants(
  client: pg.ClientBase,
  tenants: readonly TenantConfig[],
  removed: readonly TenantId[],
): Promise<void> {
  const ids = tenants.map(({ id }) => id)
  await client.query('delete from snapshot.tenant where id = any ($1)', [removed])
  await client.query('delete from snapshot.host where tenant = any ($1)', [ids])
  await client.query(
    `insert into snapshot.tenant (id, config)
     select id, config::json from unnest($1::text[], $2::text[]) as new (id, config)
     on conflict (id) do update set config = excluded.config`,
    [ids, tenants.map((tenant) => JSON.stringify(tenant))],
  )
  const hosts = tenants.flatMap(({ id, hosts }) => hosts.map((host) => ({ id, host })))
  try {
    await client.query(
      `insert into snapshot.host (host, tenant)
       select host, tenant from unnest($1::text[], $2::text[]) as new (host, tenant)`,
      [hosts.map(({ host }) => host), hosts.map(({ id }) => id)],
    )
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION)) throw error
    throw new RingfenceError('conflict', 'a host name belongs to one tenant only', { cause: error })
  }
}

function refuseContradiction({ tenants, removed }: Pick<SnapshotChange, 'tenants' | 'removed'>) {
  const ids = [...tenants.map(({ id }) => id), ...removed]
  if (new Set(ids).size !== ids.length) throw invalid('it names a tenant twice')
}

function invalid(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `a change of the configuration: ${why}`)
}
