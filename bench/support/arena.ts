import { join } from 'node:path'
import pg from 'pg'
import { namesFor, newTenantKey, type TenantKey } from '../../src/boundaries/postgres/names.ts'
import { PostgresBoundary } from '../../src/boundaries/postgres/postgres-boundary.ts'
import { newPassword, scramVerifier } from '../../src/clusters/scram.ts'
import { Silos } from '../../src/boundaries/postgres/silos.ts'
import { Site } from '../../src/boundaries/postgres/site.ts'
import { type EmbeddedCluster, startEmbedded } from '../../src/clusters/embedded-cluster.ts'
import {
  parseCellName,
  parseRegion,
  parseTenantId,
  type TenantId,
  type Tier,
} from '../../src/core/tenant.ts'
import { benchApplication } from './application.ts'

export interface Login {
  readonly tenant: TenantId
  readonly key: TenantKey
  readonly config: pg.ClientConfig
}

/** A cell with the bench's application behind the boundary. */
export interface Arena {
  readonly cluster: EmbeddedCluster
  readonly site: Site
  readonly boundary: PostgresBoundary
  readonly silos: Silos
  /** The administrator, on the pooled database. */
  readonly admin: pg.Client
  close(): Promise<void>
}

export interface ArenaOptions {
  readonly directory: string
  readonly settings?: Readonly<Record<string, string>>
  readonly searchable?: boolean
  readonly bridges?: boolean
}

export const REGION = parseRegion('bench')

export function tenantNamed(id: string, tier: Tier = 'pooled') {
  return { id: parseTenantId(id), tier, region: REGION }
}

export async function openArena(options: ArenaOptions): Promise<Arena> {
  const application = benchApplication(options.searchable)
  const cluster = await startEmbedded({
    name: 'bench',
    directory: join(options.directory, 'cell'),
    profile: 'cell',
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  })
  try {
    const names = namesFor('rf', application.name)
    const site = await Site.open({
      cluster,
      names,
      application,
      custodianPassword: newPassword(),
      exclusive: true,
      bridges: options.bridges ?? false,
    })
    const silos = new Silos({ directory: join(options.directory, 'silos'), names, application })
    const boundary = new PostgresBoundary({ cell: parseCellName('bench'), site, silos })
    const admin = new pg.Client(site.admin(names.pooledDatabase))
    admin.on('error', () => {})
    await admin.connect()
    return {
      ...{ cluster, site, silos, boundary, admin },
      async close() {
        await admin.end()
        await boundary.close()
        await cluster.stop()
      },
    }
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/**
 * Enters `count` tenants with one open login each, in bulk: what `provision` and `lease` do one at a
 * time. Each tenant gets `rows` appointments. All logins have one password.
 */
export async function plantTenants(
  arena: Arena,
  prefix: string,
  count: number,
  rows: number,
): Promise<readonly Login[]> {
  const { site } = arena
  const password = newPassword()
  const tenants = Array.from({ length: count }, (_, index) => ({
    tenant: parseTenantId(`${prefix}${index}`),
    key: newTenantKey(),
  }))
  const custody = new pg.Client(site.admin(site.names.custodyDatabase))
  await custody.connect()
  try {
    await custody.query(
      `insert into custody.tenant (tenant_id, key, tier, region, database, status)
       select t.*, 'pooled', 'bench', $3, 'active' from unnest($1::text[], $2::uuid[]) t`,
      [tenants.map((t) => t.tenant), tenants.map((t) => t.key), site.names.pooledDatabase],
    )
    const { rows: opened } = await custody.query<{ tenant: TenantId; role_name: string }>(
      `select t.tenant, l.role_name from unnest($1::text[]) t (tenant),
         custody.open_lease(gen_random_uuid(), t.tenant, 'write', 86400, 'bench', $2, 50) l`,
      [tenants.map((t) => t.tenant), await scramVerifier(password)],
    )
    const users = new Map(opened.map((row) => [row.tenant, row.role_name]))
    await plantRows(
      arena,
      tenants.map((t) => t.key),
      rows,
    )
    const { host, port } = arena.cluster.admin
    return tenants.map(({ tenant, key }) => {
      const database = site.names.pooledDatabase
      return { tenant, key, config: { host, port, database, user: users.get(tenant), password } }
    })
  } finally {
    await custody.end()
  }
}

/** Ids are `idOf(1)` … `idOf(rows)`; the rows of all tenants are mixed on the table's pages. */
export async function plantRows(
  arena: Arena,
  keys: readonly TenantKey[],
  rows: number,
): Promise<void> {
  const batch = Math.max(1, Math.floor(200_000 / keys.length))
  for (let from = 1; from <= rows; from += batch) {
    await arena.admin.query(
      `insert into bench.visit (tenant_id, id, starts_at, email, status, status_text, amount, cents, note)
       select k, (r * 7919::bigint) % 1000003, timestamptz '2026-01-01' + r * interval '37 minutes',
         'P' || r || '@Example.org', s::bench.visit_status, s, r % 9973, r % 9973, repeat('x', 40)
       from generate_series($2::int, $3::int) r, unnest($1::uuid[]) k,
         lateral (select (array['done', 'gone'])[1 + r % 2]) x (s)`,
      [keys, from, Math.min(rows, from + batch - 1)],
    )
  }
  await arena.admin.query('vacuum (analyze) bench.visit')
}

export function idOf(row: number): number {
  return (row * 7919) % 1_000_003
}
