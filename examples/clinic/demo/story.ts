import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import pg from 'pg'
import { z } from 'zod'
import { borrowLease } from '../../../src/cli/borrow-lease.ts'
import { PROCESS_CONSOLE } from '../../../src/cli/console.ts'
import { localAccess } from '../../../src/cli/control-access.ts'
import { ControlClient } from '../../../src/cli/control-client.ts'
import { supportPolicySchema } from '../../../src/control/api/schemas.ts'
import { parseClientId, parseSubject } from '../../../src/core/names.ts'
import type { Platform } from '../../../src/platform/platform.ts'
import { tryToken } from '../../../src/platform/try-token.ts'
import { type PlacedTenant, withoutBoundary } from './fill.ts'

const NIGHTLY_REPORT = fileURLToPath(new URL('../app/nightly-report.ts', import.meta.url))
const execute = promisify(execFile)

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

export interface Story {
  readonly platform: Platform
  readonly stateDirectory: string
  readonly tenants: readonly PlacedTenant[]
  readonly say: Say
}

/** Shows the three faults as two tenants, and what is refused to a stolen token and credential. */
export async function tellStory(story: Story): Promise<void> {
  const reports = await nightlyReport(story.platform)
  for (const tenant of story.tenants) await showFaults(story, tenant, reports)
  const [first, second] = story.tenants
  if (first === undefined || second === undefined) return
  await showDoors(story, first, second)
  await showRefusals(story, first)
}

async function showFaults(
  { platform, stateDirectory, say }: Story,
  tenant: PlacedTenant,
  reports: readonly string[],
): Promise<void> {
  const token = await userToken(stateDirectory, tenant)
  const get = (path: string) => fetchJson(`${doorOf(platform, tenant)}${path}`, token)
  const there = await withoutBoundary(platform, tenant)
  say(`  as ${tenant.displayName} (${tenant.tier}), through the front door`)
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
  const report = reports.find((line) => line.startsWith(`${tenant.id}: `))
  say(`    nightly report         ${report?.slice(tenant.id.length + 2) ?? 'none'}`)
  say()
}

/** The job that runs over "all" rows, with a context for each tenant. One line a tenant. */
async function nightlyReport(platform: Platform): Promise<readonly string[]> {
  const env = {
    PATH: process.env['PATH'],
    ...(await platform.workloadEnvironment(parseClientId('clinic-web'))),
  }
  const { stdout } = await execute(process.execPath, [NIGHTLY_REPORT], { env })
  return stdout.split('\n')
}

/** What a token of one tenant gets at the other's door, and what anybody gets at no tenant's. */
async function showDoors(
  { platform, stateDirectory, say }: Story,
  one: PlacedTenant,
  other: PlacedTenant,
) {
  const token = await userToken(stateDirectory, one)
  say(`  with a token of ${one.displayName} at other doors:`)
  const doors: readonly (readonly [string, string])[] = [
    [`of ${other.displayName}`, doorOf(platform, other)],
    ['of a tenant that there is not', `${platform.gatewayUrl}/t/nobody-at-all`],
  ]
  for (const [whose, door] of doors) {
    const response = await fetch(`${door}/appointments`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const problem = z.object({ title: z.string() }).parse(await response.json())
    say(`    ${whose.padEnd(34)} ${response.status} ${problem.title}`)
  }
  say()
}

async function showRefusals({ stateDirectory, say }: Story, tenant: PlacedTenant): Promise<void> {
  // Nobody of this tenant is here to agree to it.
  await new ControlClient(localAccess(stateDirectory)).change(
    {
      method: 'PUT',
      path: `/v1/tenants/${tenant.id}/support-policy`,
      body: { policy: 'second-person' },
    },
    supportPolicySchema,
  )
  const lease = await borrowLease(
    {
      tenant: tenant.id,
      scope: 'write',
      seconds: 300,
      reason: 'the demo shows what a stolen credential can do',
    },
    { state: stateDirectory },
    PROCESS_CONSOLE,
  )
  say(`  with ${tenant.displayName}’s own credential in hand, past the application:`)
  const client = new pg.Client(lease.credential)
  await client.connect()
  try {
    for (const [what, sql] of TRIES) say(`    ${what.padEnd(34)} ${await answer(client, sql)}`)
  } finally {
    await client.end()
    await lease.giveBack()
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

const doorOf = (platform: Platform, tenant: PlacedTenant) => `${platform.gatewayUrl}/t/${tenant.id}`

function userToken(stateDirectory: string, tenant: PlacedTenant): Promise<string> {
  const subject = parseSubject('reception')
  return tryToken(stateDirectory, tenant.id, {
    subject,
    scopes: ['read', 'write'],
    roles: ['staff'],
  })
}

async function fetchJson(url: string, token: string): Promise<unknown> {
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}`)
  return response.json()
}
