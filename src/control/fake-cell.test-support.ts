import { createHash, randomUUID } from 'node:crypto'
import pg from 'pg'
import type { CutOver, Erasure, LiveBoundary, MoveProgress } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import { type Lease, type LeaseId, type LeaseRequest, SCOPES } from '../core/lease.ts'
import {
  parseCellName,
  parseTenantId,
  parseTier,
  type CellName,
  type Tenant,
  type TenantId,
  type Tier,
} from '../core/tenant.ts'
import type { DatabaseSettings } from '../database/pooled-database.ts'

/** Where the fake engine keeps its state: it outlives the processes that use it. */
export const FAKE_CELL_TABLES = `
  create schema fake;
  create table fake.place (
    cell text not null, tenant text not null, tier text not null, key text not null,
    state text not null check (state in ('live', 'pending', 'old')), primary key (key));
  create unique index on fake.place (cell, tenant, state);
  create table fake.row (key text not null references fake.place on delete cascade, body text);
  create table fake.lease (
    id text primary key, cell text not null, tenant text not null, scope text not null,
    holder text not null, issued timestamptz not null default now(), ended timestamptz);
  create table fake.fault (cell text not null, method text not null, kind text not null);
  create table fake.realm (tenant text primary key, issuer text not null, open boolean not null,
    kid text not null default 'fake')`

/** Makes the rows of the pending place those of the live one. */
const COPY = [
  `delete from fake.row using fake.place where row.key = place.key
      and cell = $1 and tenant = $2 and state = 'pending'`,
  `insert into fake.row (key, body)
   select pending.key, row.body from fake.place as live
     join fake.row on row.key = live.key
     join fake.place as pending on (pending.cell, pending.tenant) = (live.cell, live.tenant)
    where live.cell = $1 and live.tenant = $2 and live.state = 'live'
      and pending.state = 'pending'`,
]

/**
 * An engine that is light enough for hundreds of kills and honest enough to find orphans: its places,
 * rows and leases are rows of a database of its own. `fake.fault` makes a method fail.
 */
export class FakeCell implements LiveBoundary {
  readonly engine = 'fake'
  readonly tiers = ['pooled', 'bridge', 'silo'] as const
  readonly #cell: CellName
  readonly #pool: pg.Pool

  constructor(cell: string, settings: DatabaseSettings) {
    this.#cell = parseCellName(cell)
    this.#pool = new pg.Pool({ ...settings, max: 4 })
    this.#pool.on('error', () => {})
  }

  async provision(tenant: Tenant) {
    await this.#fault('provision')
    await this.#alone(tenant.id, [
      `insert into fake.place (cell, tenant, tier, key, state)
       values ($1, $2, '${tenant.tier}', '${randomUUID()}', 'live')
       on conflict (cell, tenant, state) do nothing`,
    ])
    return this.#placement(tenant.id)
  }

  async lease(tenant: TenantId, request: LeaseRequest): Promise<Lease> {
    await this.#fault('lease')
    const { tier, cell } = await this.#placement(tenant)
    const id = randomUUID() as LeaseId
    await this.#query(
      'insert into fake.lease (id, cell, tenant, scope, holder) values ($1, $2, $3, $4, $5)',
      [id, this.#cell, tenant, request.scope, request.holder],
    )
    return {
      lease_id: id,
      lease_duration: 900,
      renewable: true,
      tenant,
      boundary: this.engine,
      tier,
      cell,
      scope: request.scope,
      issued_at: new Date(),
      expires_at: new Date(Date.now() + 900_000),
      credential: {},
    }
  }

  async revoke(tenant: TenantId, lease?: LeaseId) {
    await this.#fault('revoke')
    const ended = await this.#query<{ id: LeaseId }>(
      `update fake.lease set ended = now() where cell = $1 and tenant = $2 and ended is null
          and ($3::text is null or id = $3) returning id`,
      [this.#cell, tenant, lease ?? null],
    )
    return { leases: ended.map(({ id }) => id), sessionsEnded: ended.length }
  }

  async leases(tenant: TenantId) {
    await this.#fault('leases')
    const rows = await this.#query<{
      id: LeaseId
      scope: string
      holder: string
      issued: Date
      ended: Date | null
    }>('select * from fake.lease where cell = $1 and tenant = $2', [this.#cell, tenant])
    return rows.map(({ id, scope, holder, issued, ended }) => ({
      lease_id: id,
      tenant,
      scope: SCOPES.find((one) => one === scope) ?? 'read',
      holder,
      issued_at: issued,
      expires_at: issued,
      ended_at: ended ?? undefined,
      ended_why: ended === null ? undefined : 'revoked',
    }))
  }

  async sweep() {
    return { leasesExpired: 0, sessionsEnded: 0, overBudget: [] }
  }

  async inspect() {
    return []
  }

  async smoke(tenant: TenantId) {
    const fault = await this.#fault('smoke')
    await this.#placement(tenant)
    return [{ id: 'fake-reach', held: fault !== 'leaks', outcome: fault ?? 'reached nothing' }]
  }

  async export(tenant: TenantId, sink: Parameters<LiveBoundary['export']>[1]) {
    await this.#fault('export')
    const { key } = await this.#placement(tenant)
    const rows = await this.#query<{ body: string }>(
      'select body from fake.row where key = $1 order by body',
      [key],
    )
    const bytes = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
    await sink.open('row')
    await sink.write(bytes)
    await sink.close('row')
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const items = [{ item: 'row', count: rows.length, bytes: bytes.length, sha256 }]
    return { tenant, engine: this.engine, exportedAt: new Date(), items }
  }

  async erase(tenant: TenantId): Promise<Erasure> {
    const fault = await this.#fault('erase')
    await this.revoke(tenant)
    const gone = await this.#alone(tenant, [
      'delete from fake.place where cell = $1 and tenant = $2',
    ])
    return this.#erasure(tenant, gone, fault === 'leaves' ? 1 : 0)
  }

  async prepareMove(tenant: TenantId, to: Tier): Promise<MoveProgress> {
    await this.#fault('prepareMove')
    const { tier } = await this.#placement(tenant)
    const copied = await this.#alone(tenant, [
      `insert into fake.place (cell, tenant, tier, key, state)
       select cell, tenant, '${to}', '${randomUUID()}', 'pending' from fake.place
        where cell = $1 and tenant = $2 and state = 'live' and tier <> '${to}'
       on conflict (cell, tenant, state) do nothing`,
      ...COPY,
    ])
    return { from: tier, to, copied, items: [] }
  }

  async catchUp(tenant: TenantId): Promise<MoveProgress> {
    await this.#fault('catchUp')
    const { tier } = await this.#placement(tenant)
    await this.#alone(tenant, COPY)
    return { from: tier, to: tier, copied: 0, items: [] }
  }

  async cutOver(tenant: TenantId): Promise<CutOver> {
    const fault = await this.#fault('cutOver')
    if (fault === 'differs') throw new RingfenceError('move_failed', 'the places differ')
    await this.#alone(tenant, [
      ...COPY,
      `update fake.place as live set state = 'old' from fake.place as pending
        where live.cell = $1 and live.tenant = $2 and live.state = 'live'
          and (pending.cell, pending.tenant, pending.state) = ($1, $2, 'pending')`,
      `update fake.place set state = 'live' where cell = $1 and tenant = $2 and state = 'pending'`,
    ])
    return { placement: await this.#placement(tenant), verified: [], pausedMs: 1 }
  }

  async abortMove(tenant: TenantId) {
    await this.#fault('abortMove')
    const old = await this.#query(
      `select from fake.place where cell = $1 and tenant = $2 and state = 'old'`,
      [this.#cell, tenant],
    )
    if (old.length > 0) throw new RingfenceError('move_failed', 'the tenant has moved')
    await this.#alone(tenant, [
      `delete from fake.place where cell = $1 and tenant = $2 and state = 'pending'`,
    ])
  }

  async finishMove(tenant: TenantId): Promise<Erasure> {
    await this.#fault('finishMove')
    const gone = await this.#alone(tenant, [
      `delete from fake.place where cell = $1 and tenant = $2 and state = 'old'`,
    ])
    return this.#erasure(tenant, gone, 0)
  }

  async close() {
    await this.#pool.end()
  }

  /** In one transaction of which a tenant has one at a time. Returns what the last statement touched. */
  async #alone(tenant: TenantId, statements: readonly string[]): Promise<number> {
    const client = await this.#pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock(hashtext($1))', [tenant])
      let touched = 0
      for (const sql of statements) {
        touched = (await client.query(sql, [this.#cell, tenant])).rowCount ?? 0
      }
      await client.query('commit')
      return touched
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  }

  async #placement(tenant: TenantId) {
    const [row] = await this.#query<{ tier: string; key: string }>(
      `select tier, key from fake.place where cell = $1 and tenant = $2 and state = 'live'`,
      [this.#cell, tenant],
    )
    if (row === undefined) throw new RingfenceError('tenant_unknown', 'no such tenant')
    return {
      tenant: parseTenantId(tenant),
      tier: parseTier(row.tier),
      cell: this.#cell,
      key: row.key,
      place: 'fake.place',
    }
  }

  #erasure(tenant: TenantId, count: number, found: number): Erasure {
    return {
      tenant,
      erasedAt: new Date(),
      deleted: [{ item: 'place', count }],
      probes: [{ place: 'fake.place', found }],
      notCovered: ['Backups of the fake.'],
    }
  }

  /** Throws what the method was told to throw; returns other faults. */
  async #fault(method: string): Promise<string | undefined> {
    const [row] = await this.#query<{ kind: string }>(
      'select kind from fake.fault where cell = $1 and method = $2',
      [this.#cell, method],
    )
    if (row?.kind === 'away') throw new RingfenceError('engine_unavailable', 'the cell is away')
    return row?.kind
  }

  async #query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[]) {
    return (await this.#pool.query<Row>(sql, [...values])).rows
  }
}
