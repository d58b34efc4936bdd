import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseTenantId } from '../../../core/tenant.ts'
import type { CostReading } from '../../costs.ts'
import { opens, startTestSite, type TestSite } from '../test-site.test-support.ts'
import { readCosts } from './read-costs.ts'

const ROWS = 400

let site: TestSite
before(async () => {
  site = await startTestSite({
    bridges: true,
    cluster: { settings: { shared_preload_libraries: 'pg_stat_statements' } },
  })
  for (const id of ['acme', 'globex', 'idle']) await site.provision(id)
  await site.provision('initech', 'bridge')
})
after(() => site?.stop())

const of = (readings: readonly CostReading[], tenant: string, kind: string) =>
  readings.find((one) => one.tenant === tenant && one.kind === kind)?.value

async function write(id: string, rows: number, length: number): Promise<void> {
  const client = await site.login(id)
  const { rows: self } = await client.query<{ key: string }>(
    `select substring(current_user from '_([0-9a-f]{32})_') as key`,
  )
  await client.query(
    `insert into notes.note (tenant_id, body)
     select $1::text::uuid, repeat(md5(n::text), $3) from generate_series(1, $2) as n`,
    [self[0]?.key, rows, length],
  )
}

test('a shared table is paid by the part that each has of it, a database by who has it alone', async () => {
  await write('acme', ROWS, 30)
  await write('globex', ROWS, 10)
  const readings = await readCosts(site.site, false)
  const [acme, globex] = ['acme', 'globex'].map((one) => of(readings, one, 'storage') ?? 0n)
  assert.ok(acme !== undefined && globex !== undefined && globex > 0n)
  assert.ok(acme > 2n * globex && acme < 4n * globex, `${acme} ${globex}`)
  assert.equal(of(readings, 'idle', 'storage'), 0n)
  const admin = await site.admin()
  const { rows } = await admin.query<{ bytes: string }>(
    `select pg_total_relation_size('notes.note')::text as bytes`,
  )
  const whole = BigInt(rows[0]?.bytes ?? 0)
  assert.ok(acme + globex <= whole && acme + globex >= whole - 2n)
  assert.ok((of(readings, 'initech', 'storage') ?? 0n) > 1_000_000n)
})

test('engine time is each tenant’s own where it is measured, and nothing for who did nothing', async () => {
  const custody = await site.admin(site.names.custodyDatabase)
  const client = await site.login('acme', 'read')
  const work = () => client.query('select count(*) from notes.note as a, notes.note as b')
  await work()
  const first = await readCosts(site.site, false)
  const before = of(first, 'acme', 'query') ?? 0n
  assert.ok(before > 0n)
  await work()
  const second = await readCosts(site.site, false)
  assert.ok((of(second, 'acme', 'query') ?? 0n) > before)
  assert.equal(of(second, 'globex', 'query'), of(first, 'globex', 'query'))
  assert.equal(of(second, 'idle', 'query'), 0n)
  await custody.query('select rf_costs.pg_stat_statements_reset()')
  const epochs = async () =>
    (await readCosts(site.site, false)).find(({ kind }) => kind === 'query')?.epoch
  await work()
  assert.notEqual(await epochs(), first.find(({ kind }) => kind === 'query')?.epoch)
})

test('what measures is no way for a tenant: it cannot come where the views are, and inspection says that statements are recorded', async () => {
  const client = await site.login('globex', 'read')
  const seen = client.query('select from rf_costs.pg_stat_statements')
  await assert.rejects(seen, /does not exist/)
  const { credential } = await site.boundary.lease(parseTenantId('globex'), {
    scope: 'read',
    ttlSeconds: 60,
    holder: 'test',
  })
  assert.equal(await opens(credential), true)
  const custody = { ...credential, database: site.names.custodyDatabase }
  assert.equal(await opens(custody), false)
  const found = await site.boundary.inspect()
  assert.deepEqual(
    found
      .filter(({ object }) => object.includes('pg_stat_statements'))
      .map(({ rule, severity }) => [rule, severity]),
    // Statements are recorded, if for no tenant's eyes: who has it loaded is told so.
    [['pg-setting-shared-preload-libraries', 'medium']],
  )
})
