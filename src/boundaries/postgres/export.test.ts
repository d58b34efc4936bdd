import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { RingfenceError } from '../../core/errors.ts'
import type { ExportSink } from '../boundary.ts'
import type { Application } from './manifest.ts'
import { migration, startTestSite, tenant, type TestSite } from './test-site.test-support.ts'

const ARCHIVE: Application = {
  name: 'archive',
  schema: 'archive',
  tenantColumn: 'tenant_id',
  tables: {
    paper: { allow: ['select', 'insert'], hidden: ['secret'], sample: {} },
    page: { allow: ['select', 'insert'], hidden: [], sample: {} },
    empty: { allow: ['select'], hidden: [], sample: {} },
  },
  shared: ['language'],
  views: [],
  functions: [],
  migrations: [
    migration(
      '1',
      `create table language (code text primary key);
       insert into language values ('en');
       create table paper (tenant_id uuid not null, id int not null, title text, secret text default 'hidden from tenants',
         big numeric default 12345678901234567890.5, raw bytea default '\\xdeadbeef', at timestamptz default '2026-05-05 12:00+02',
         tags text[] default '{"a,b","c\\"d",null}', facts jsonb default '{"a": [1, null]}', nothing text,
         primary key (tenant_id, id));
       create table page (tenant_id uuid not null, at date not null, body text, primary key (tenant_id, at))
         partition by range (at);
       create table page_2026 partition of page for values from ('2026-01-01') to ('2027-01-01');
       create table page_rest partition of page default;
       create table empty (tenant_id uuid not null, id int not null, primary key (tenant_id, id));
       create table closed (tenant_id uuid not null, note text not null);`,
    ),
  ],
  sha256: '0'.repeat(64),
}

const ACME = tenant('acme')
let place: TestSite
let key: string

before(async () => {
  place = await startTestSite({ application: ARCHIVE })
  ;({ key } = await place.provision('acme'))
  const { key: other } = await place.provision('other')
  for (const id of ['acme', 'other']) {
    const client = await place.login(id)
    await client.query(`insert into archive.paper (id, title) values (1, $1), (2, $2)`, [
      `of ${id}`,
      'line\nbreak, "quotes", \\ and é ☃ 𝄞',
    ])
    await client.query(
      `insert into archive.page (at, body) values ('2026-02-03', 'old'), ('2031-01-01', 'new')`,
    )
    await client.end()
  }
  const admin = await place.admin()
  await admin.query(`insert into archive.closed values ($1, 'of acme'), ($2, 'of other')`, [
    key,
    other,
  ])
})
after(() => place?.stop())

function collect(before: (item: string) => Promise<unknown> = async () => {}) {
  const items = new Map<string, string>()
  let current = ''
  const sink: ExportSink = {
    async open(item) {
      current = item
      items.set(item, '')
    },
    async write(chunk) {
      await before(current)
      items.set(current, `${items.get(current)}${Buffer.from(chunk).toString('utf8')}`)
    },
    async close() {},
  }
  return { items, sink }
}

const rowsOf = (text: string | undefined): Record<string, unknown>[] =>
  (text ?? '')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)

test('an export has each table of the tenant’s once, closed and empty ones too, and no shared one', async () => {
  const { items, sink } = collect()
  const manifest = await place.boundary.export(ACME, sink)
  assert.deepEqual([...items.keys()], ['closed', 'empty', 'page', 'paper'])
  assert.deepEqual(
    manifest.items.map(({ item, count }) => [item, count]),
    [
      ['closed', 1],
      ['empty', 0],
      ['page', 2],
      ['paper', 2],
    ],
  )
  for (const { item, bytes, sha256 } of manifest.items) {
    const taken = Buffer.from(items.get(item) ?? '')
    assert.equal(bytes, taken.length)
    assert.equal(sha256, createHash('sha256').update(taken).digest('hex'))
  }
  assert.ok(![...items.values()].some((text) => text.includes('of other')))
})

test('every column and every character arrives, hidden ones too, for they are the tenant’s', async () => {
  const { items, sink } = collect()
  await place.boundary.export(ACME, sink)
  const papers = rowsOf(items.get('paper')).toSorted((a, b) => Number(a['id']) - Number(b['id']))
  assert.deepEqual(papers[1], {
    tenant_id: key,
    id: 2,
    title: 'line\nbreak, "quotes", \\ and é ☃ 𝄞',
    secret: 'hidden from tenants',
    big: Number('12345678901234567890.5'),
    raw: '\\xdeadbeef',
    at: '2026-05-05T10:00:00+00:00',
    tags: ['a,b', 'c"d', null],
    facts: { a: [1, null] },
    nothing: null,
  })
  // JSON has room for all digits, even where JavaScript's numbers have not.
  assert.ok(items.get('paper')?.includes('12345678901234567890.5'))
  const bodies = rowsOf(items.get('page')).map((row) => row['body'])
  assert.deepEqual(bodies.toSorted(), ['new', 'old'])
})

test('rows of a thousand sizes arrive in chunks of about one size', async () => {
  const { key: big } = await place.provision('big')
  const admin = await place.admin()
  await admin.query(
    `insert into archive.closed select $1, repeat('x', (n * 7919) % 60000) from generate_series(1, 1500) n`,
    [big],
  )
  const sizes: number[] = []
  const sink: ExportSink = {
    open: async () => {},
    write: async (chunk) => void sizes.push(chunk.length),
    close: async () => {},
  }
  const manifest = await place.boundary.export(tenant('big'), sink)
  const total = manifest.items.reduce((sum, item) => sum + item.bytes, 0)
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    total,
  )
  assert.ok(total > 40_000_000)
  assert.ok(Math.max(...sizes) < 3_000_000, `${Math.max(...sizes)} bytes at once`)
  assert.ok(sizes.length < 200, `${sizes.length} chunks`)
})

test('an export that loses its session or its server’s patience ends with an error', async () => {
  const admin = await place.admin('postgres')
  const { sink } = collect(async () => {
    await admin.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where usename ~ '_x[0-9]$'`,
    )
    await sleep(50)
  })
  await assert.rejects(place.boundary.export(ACME, sink), (error: unknown) => {
    assert.ok(error instanceof RingfenceError, String(error))
    assert.equal(error.code, 'engine_unavailable')
    return true
  })
})

test('a tenant that is revoked while it is exported is exported no further', async () => {
  const { sink } = collect(() => place.boundary.revoke(ACME))
  await assert.rejects(place.boundary.export(ACME, sink), { name: 'RingfenceError' })
})

test('an export is refused rather than short when the engine keeps rows from it', async () => {
  const admin = await place.admin()
  await admin.query('set session_replication_role = replica')
  await admin.query(
    `create policy narrow on archive.paper as restrictive for select to public using (id <> 1)`,
  )
  try {
    await assert.rejects(place.boundary.export(ACME, collect().sink), (error: unknown) => {
      assert.ok(error instanceof RingfenceError)
      assert.equal(error.code, 'internal')
      assert.match(error.message, /paper is not complete/)
      return true
    })
  } finally {
    await admin.query('drop policy narrow on archive.paper')
  }
})

test('exports of one tenant at once are the same, and leave no lease', async () => {
  const runs = Array.from({ length: 4 }, () => collect())
  const manifests = await Promise.all(runs.map(({ sink }) => place.boundary.export(ACME, sink)))
  const [first] = manifests
  for (const manifest of manifests) assert.deepEqual(manifest.items, first?.items)
  const open = (await place.boundary.leases(ACME)).filter((one) => one.ended_at === undefined)
  assert.deepEqual(open, [])
})
