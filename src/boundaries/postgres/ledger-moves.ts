import type pg from 'pg'
import { RingfenceError } from '../../core/errors.ts'
import type { LeaseId } from '../../core/lease.ts'
import type { Region, TenantId, Tier } from '../../core/tenant.ts'
import type { CutOver } from '../boundary.ts'
import { inTransaction } from './connection.ts'
import { type Reservation, retireKey } from './ledger.ts'
import { type Names, tenantKey, type TenantKey } from './names.ts'

/** One place of a tenant's inside a cell. */
export interface TenantPlace {
  readonly key: TenantKey
  readonly tier: Tier
  readonly database: string
}

/** What the ledger says of a move: of the tenant's other place. */
export interface Move extends TenantPlace {
  /**
   * `copying`: not whole yet. `copied`: whole as of `since`. `dropping`: given up, and perhaps half gone.
   * `left`: the tenant has moved away from it.
   */
  readonly phase: 'copying' | 'copied' | 'dropping' | 'left'
  /** The oldest transaction on the source's server that the copy may not have seen. */
  readonly since: bigint | undefined
  /** What was compared before the tenant took over its present place. */
  readonly verified: Pick<CutOver, 'verified' | 'pausedMs'> | undefined
}

/** Where a tenant is, and where it moves to or came from. */
export interface Whereabouts {
  readonly present: TenantPlace & {
    readonly status: Reservation['status']
    readonly region: Region
  }
  readonly move: Move | undefined
}

interface PlaceRow {
  readonly key: string
  readonly tier: Tier
  readonly database: string
}
type PresentRow = PlaceRow & { readonly status: Reservation['status']; readonly region: Region }
type MoveRow = PlaceRow & {
  readonly phase: Move['phase']
  readonly since: string | null
  readonly verified: Move['verified'] | null
}

const place = ({ key, tier, database }: PlaceRow): TenantPlace => ({
  key: tenantKey(key),
  tier,
  database,
})

/**
 * Both places of a tenant. Undefined when the ledger does not know it. Every `client` of this file is
 * the administrator's, on the custody database, and holds the tenant's lock.
 */
export async function whereabouts(
  client: pg.ClientBase,
  tenant: TenantId,
): Promise<Whereabouts | undefined> {
  const { rows } = await client.query<PresentRow>(
    'select key, tier, database, status, region from custody.tenant where tenant_id = $1',
    [tenant],
  )
  const row = rows[0]
  if (row === undefined) return undefined
  const present = { ...place(row), status: row.status, region: row.region }
  return { present, move: await readMove(client, tenant) }
}

export async function readMove(client: pg.ClientBase, tenant: TenantId): Promise<Move | undefined> {
  const { rows } = await client.query<MoveRow>('select * from custody.move where tenant_id = $1', [
    tenant,
  ])
  const row = rows[0]
  if (row === undefined) return undefined
  return {
    ...place(row),
    phase: row.phase,
    since: row.since === null ? undefined : BigInt(row.since),
    verified: row.verified ?? undefined,
  }
}

/** Enters the place to be filled, before anything of it is made. */
export async function enterMove(
  client: pg.ClientBase,
  tenant: TenantId,
  { key, tier, database }: TenantPlace,
): Promise<void> {
  await client.query(
    `insert into custody.move (tenant_id, phase, key, tier, database) values ($1, 'copying', $2, $3, $4)`,
    [tenant, key, tier, database],
  )
}

/** Notes that the other place holds all that transactions before `since` have left. */
export async function noteCopied(
  client: pg.ClientBase,
  tenant: TenantId,
  since: bigint,
): Promise<void> {
  await client.query(
    `update custody.move set phase = 'copied', since = $2 where tenant_id = $1 and phase <> 'left'`,
    [tenant, since.toString()],
  )
}

/**
 * Makes the other place the tenant's and the present one the place that was left, and closes the
 * logins of that one, all in one step. The pause's hold on writes must still be in force: otherwise a
 * lease may have been given meanwhile. Returns the leases whose sessions are to be ended.
 * @throws RingfenceError `move_failed`
 */
export async function changePlaces(
  client: pg.ClientBase,
  tenant: TenantId,
  result: NonNullable<Move['verified']>,
): Promise<readonly LeaseId[]> {
  return inTransaction(client, async () => {
    const { rowCount } = await client.query(
      `select from custody.tenant where tenant_id = $1 and status = 'active'
         and writes_held_until > clock_timestamp() for update`,
      [tenant],
    )
    if (rowCount !== 1) throw new RingfenceError('move_failed', 'the write pause took too long')
    const { rows } = await client.query<{ lease: LeaseId }>(
      `select custody.end_leases($1, null, 'moved') as lease`,
      [tenant],
    )
    await client.query(
      `with was as (select * from custody.tenant where tenant_id = $1),
         next as (select * from custody.move where tenant_id = $1),
         settled as (update custody.tenant t set key = n.key, tier = n.tier, database = n.database,
           away = n.tier = 'silo', writes_held_until = null, held_until = null from next n where t.tenant_id = $1)
       update custody.move m set phase = 'left', key = w.key, tier = w.tier, database = w.database,
         since = null, verified = $2 from was w where m.tenant_id = $1`,
      [tenant, JSON.stringify(result)],
    )
    return rows.map((row) => row.lease)
  })
}

/** Notes that the place to be filled is given up, before anything of it goes. */
export async function giveUpMove(client: pg.ClientBase, tenant: TenantId): Promise<void> {
  await client.query(
    `update custody.move set phase = 'dropping' where tenant_id = $1 and phase <> 'left'`,
    [tenant],
  )
}

/** Leases on the place that was left whose sessions may be alive still. */
export async function leasesOnLeft(
  client: pg.ClientBase,
  tenant: TenantId,
): Promise<readonly LeaseId[]> {
  const { rows } = await client.query<{ lease_id: LeaseId }>(
    `select l.lease_id from custody.lease l join custody.move m on m.key = l.key
     where m.tenant_id = $1 and m.phase = 'left' and not l.drained`,
    [tenant],
  )
  return rows.map((row) => row.lease_id)
}

/** Drops the other place's logins, retires its key and takes it out. Returns the number of logins. */
export async function forgetMove(
  client: pg.ClientBase,
  names: Names,
  tenant: TenantId,
  key: TenantKey,
): Promise<number> {
  return inTransaction(client, async () => {
    const dropped = await retireKey(client, names, key)
    await client.query('delete from custody.move where tenant_id = $1', [tenant])
    return dropped
  })
}
