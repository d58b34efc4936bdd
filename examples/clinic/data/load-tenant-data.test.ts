import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, suite, test } from 'node:test'
import type pg from 'pg'
import { type ClinicCell, startClinicCell } from '../test-support/clinic-cell.test-support.ts'
import { CONDITIONS } from './conditions.ts'
import { generateTenantData } from './generate-tenant-data.ts'
import { loadTenantData } from './load-tenant-data.ts'

const SPEC = { seed: 7, appointments: 900, sites: 3, timeZone: 'Europe/Berlin' } as const
const TABLES = generateTenantData({ ...SPEC, key: '' }).map(({ table }) => table)

suite('the generated data', () => {
  let cell: ClinicCell
  let client: pg.Client
  const keys: string[] = []

  /** A tenant's rows of all tables, without the tenant's key, as one digest. */
  async function digest(key: string): Promise<string> {
    const digests: string[] = []
    for (const table of TABLES) {
      const { rows } = await client.query<{ digest: string }>(
        `select md5(string_agg((to_jsonb(t) - 'tenant_id')::text, ',' order by t.id)) as digest
           from clinic.${table} t where tenant_id = $1`,
        [key],
      )
      digests.push(`${table} ${rows[0]?.digest}`)
    }
    return digests.join('\n')
  }

  const numberOf = async (sql: string, values: unknown[] = []) =>
    Number((await client.query<{ n: string }>(`select (${sql}) as n`, values)).rows[0]?.n)

  before(async () => {
    cell = await startClinicCell()
    client = await cell.client()
    for (const id of ['first', 'second', 'third']) keys.push((await cell.addTenant(id)).key)
  })
  after(() => cell?.stop())

  test('has as many appointments as were asked for, and all that goes with them', async () => {
    const { loaded, rows } = await loadTenantData(client, keys[0] ?? '', SPEC)
    assert.equal(loaded, true)
    assert.equal(rows['appointment'], 900)
    assert.equal(rows['patient'], 200)
    for (const table of TABLES) assert.ok((rows[table] ?? 0) > 0, `${table} is empty`)
  })

  test('is the same for the same seed, whoever the tenant is, and another for another', async () => {
    await loadTenantData(client, keys[1] ?? '', SPEC)
    await loadTenantData(client, keys[2] ?? '', { ...SPEC, seed: 8 })
    assert.equal(await digest(keys[1] ?? ''), await digest(keys[0] ?? ''))
    assert.notEqual(await digest(keys[2] ?? ''), await digest(keys[0] ?? ''))
  })

  test('is left alone by a second load', async () => {
    const before = await digest(keys[0] ?? '')
    assert.deepEqual(await loadTenantData(client, keys[0] ?? '', SPEC), { loaded: false, rows: {} })
    assert.equal(await digest(keys[0] ?? ''), before)
  })

  test('keeps every foreign key, although the load does not check them', async () => {
    const { rows } = await client.query<{ name: string; holder: string; definition: string }>(
      `select quote_ident(conname) as name, conrelid::regclass as holder,
         pg_get_constraintdef(oid) as definition
       from pg_constraint where contype = 'f' and conparentid = 0
         and connamespace = 'clinic'::regnamespace`,
    )
    assert.ok(rows.length > 12)
    await client.query('begin')
    for (const { name, holder, definition } of rows) {
      await client.query(
        `alter table ${holder} drop constraint ${name}, add constraint ${name} ${definition}`,
      )
    }
    await client.query('rollback')
  })

  test('books nobody twice, and only on working days in office hours', async () => {
    assert.equal(
      await numberOf(`select count(*) from (select from clinic.appointment
        group by tenant_id, clinician_id, starts_at having count(*) > 1) twice`),
      0,
    )
    assert.equal(
      await numberOf(`select count(*) from clinic.appointment,
          lateral (select starts_at at time zone '${SPEC.timeZone}' as local) l
        where local::time < '07:30' or local::time >= '18:30' or extract(isodow from local) > 5`),
      0,
    )
  })

  test('reaches nobody: its phone numbers and addresses are kept free for fiction', async () => {
    const reserved = '^(\\+1-[0-9]{3}-555-01[0-9]{2}|\\+353 20 91[0-9]{5}|\\+49 30 23125 [0-9]{3})$'
    for (const table of ['clinic_site', 'clinician', 'patient']) {
      assert.equal(
        await numberOf(`select count(*) from clinic.${table} where phone !~ $1`, [reserved]),
        0,
      )
    }
    for (const table of ['clinician', 'patient']) {
      assert.equal(
        await numberOf(
          `select count(*) from clinic.${table} where email !~ '@(example[.]org|staff[.]example)$'`,
        ),
        0,
      )
    }
  })

  test('is rolled back when a load fails half-way, and the next one completes it', async () => {
    const { key } = await cell.addTenant('fourth')
    await client.query('alter table clinic.note add constraint broken check (false) not valid')
    await assert.rejects(loadTenantData(client, key, SPEC), { code: '23514' })
    await client.query('alter table clinic.note drop constraint broken')
    assert.equal(
      await numberOf('select count(*) from clinic.patient where tenant_id = $1', [key]),
      0,
    )
    assert.equal((await loadTenantData(client, key, SPEC)).loaded, true)
    assert.equal(await digest(key), await digest(keys[0] ?? ''))
  })

  test('uses diagnoses that the reference table has', () => {
    const sql = readFileSync(
      join(import.meta.dirname, '..', 'migrations', '0001_reference_codes.sql'),
      'utf8',
    )
    for (const { code } of CONDITIONS) assert.ok(sql.includes(`('${code}',`), code)
  })
})
