import pg from 'pg'
import { z } from 'zod'
import type { Platform } from '../../../src/platform/platform.ts'
import type { PlatformTenant } from '../../../src/platform/platform-manifest.ts'
import { withoutBoundary } from './fill.ts'

/** A tenant context lives no longer than the story needs it. Seconds. */
const CONTEXT_SECONDS = 300

/** Takes everything that the search's connection can reach, through the fault in the search box. */
const INJECTION =
  "nobody-has-this-name' union all select id, left(body, 60), tenant_id::text, '', '', '', '' from clinic.note limit 5000 --"

/** What someone with the tenant's credential in hand would try next. */
const TRIES: readonly (readonly [string, string])[] = [
  ['read every row of every tenant', 'select tenant_id from clinic.appointment'],
  ['switch row security off', 'set row_security = off; select tenant_id from clinic.appointment'],
  ['become the owner of the tables', 'set role rf_owner'],
  ['disable the policies', 'alter table clinic.note disable row level security'],
  [
    'drop the policies by DROP OWNED BY',
    'drop owned by rf_pooled_write; select tenant_id from clinic.appointment',
  ],
  [
    'write into another tenant',
    'insert into clinic.patient (tenant_id) values (gen_random_uuid())',
  ],
  ['empty the table for everybody', 'truncate clinic.appointment'],
  ['lock everybody out', 'begin; lock table clinic.appointment in access exclusive mode'],
  ['read other sessions’ queries', 'select query from pg_stat_activity'],
  ['list the other tenants’ logins', 'select rolname from pg_roles'],
]

type Say = (line?: string) => void

/** Shows the three faults as two tenants, and what the engine refuses to a stolen credential. */
export async function tellStory(
  platform: Platform,
  url: string,
  tenants: readonly PlatformTenant[],
  say: Say,
): Promise<void> {
  for (const tenant of tenants) await showFaults(platform, url, tenant, say)
  const first = tenants[0]
  if (first !== undefined) await showRefusals(platform, first, say)
}

async function showFaults(
  platform: Platform,
  url: string,
  tenant: PlatformTenant,
  say: Say,
): Promise<void> {
  const token = await platform.contextFor(tenant.id, CONTEXT_SECONDS)
  const get = (path: string) => fetchJson(`${url}${path}`, token)
  const there = await withoutBoundary(platform, tenant)
  say(`  as ${tenant.displayName} (${tenant.tier})`)
  say(`    its database holds ${there.appointments} appointments of ${there.tenants} tenants`)
  const list = z
    .object({ total: z.number(), appointments: z.array(z.object({ tenant_id: z.string() })) })
    .parse(await get('/appointments?limit=200'))
  say(`    list without WHERE     ${list.total} appointments, ${count(list.appointments)}`)
  const search = z
    .object({ patients: z.array(z.object({ given_name: z.string() })) })
    .parse(await get(`/patients/search?q=${encodeURIComponent(INJECTION)}`))
  const dumped = search.patients.map((row) => ({ tenant_id: row.given_name }))
  say(`    injected search        ${dumped.length} clinical notes, ${count(dumped)}`)
  const report = z.object({ sites: z.array(z.unknown()) }).parse(await get('/reports/nightly'))
  say(`    nightly report         ${report.sites.length} sites`)
  say()
}

async function showRefusals(platform: Platform, tenant: PlatformTenant, say: Say): Promise<void> {
  const lease = await platform.leases.get(tenant.id, 'write')
  say(`  with ${tenant.displayName}’s own credential in hand, past the application:`)
  const client = new pg.Client(lease.credential)
  await client.connect()
  try {
    for (const [what, sql] of TRIES) say(`    ${what.padEnd(34)} ${await answer(client, sql)}`)
  } finally {
    await client.end()
  }
  say()
}

async function answer(client: pg.Client, sql: string): Promise<string> {
  try {
    const results: unknown = await client.query(sql)
    const last = (Array.isArray(results) ? results.at(-1) : results) as pg.QueryResult<{
      tenant_id?: string
    }>
    const rows = last.rows.flatMap((row) =>
      row.tenant_id === undefined ? [] : [{ tenant_id: row.tenant_id }],
    )
    return `${last.rows.length} rows, ${count(rows)}`
  } catch (error) {
    const { code, message } = error as pg.DatabaseError
    return `refused by PostgreSQL: ${message} (${code})`
  } finally {
    await client.query('rollback; reset all').catch(() => undefined)
  }
}

function count(rows: readonly { tenant_id: string }[]): string {
  const tenants = new Set(rows.map((row) => row.tenant_id)).size
  return tenants === 1 ? 'all of this tenant' : `of ${tenants} TENANTS`
}

async function fetchJson(url: string, token: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`)
  return response.json()
}
