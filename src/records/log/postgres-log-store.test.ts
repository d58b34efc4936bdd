import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, test } from 'node:test'
import { logOf } from '../../audit/entry.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { openCheckpoint } from '../../transparency/checkpoint.ts'
import { ENTRY_BYTES_MAX } from '../../transparency/entry-bundle.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import { RegionalLogs } from './regional-logs.ts'
import {
  asked,
  entriesFor,
  entryFor,
  idsIn,
  opened,
  startLogServer,
  verified,
} from './test-logs.test-support.ts'

const ACME = logOf(parseTenantId('acme'))
const GLOBEX = logOf(parseTenantId('globex'))
const PLATFORM = logOf(undefined)

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

test('entries stand in their own logs, in order, once, however often they are handed over', async (t) => {
  const store = await opened(t, { database: await server.database() })
  const acme = entriesFor('acme', 600)
  const globex = entriesFor('globex', 10)
  const own = entryFor(undefined)
  await store.append([...acme.slice(0, 300), own, ...globex])
  await store.append([...acme.slice(100), ...globex, own])
  await store.append([{ ...(acme[0] ?? own), id: (acme[0] ?? own).id.toUpperCase() }])
  assert.deepEqual(
    await idsIn(store, ACME),
    acme.map(({ id }) => id),
  )
  assert.deepEqual(
    await idsIn(store, GLOBEX),
    globex.map(({ id }) => id),
  )
  assert.deepEqual(await idsIn(store, PLATFORM), [own.id])
  const [third] = await store.read(ACME, 2, 1)
  assert.deepEqual(third?.entry, acme[2])
  assert.equal(third?.index, 2)
  await store.sign()
  for (const log of [ACME, GLOBEX, PLATFORM]) {
    assert.deepEqual((await verified(store, log)).findings, [])
  }
  assert.equal((await verified(store, ACME)).size, 600)
  assert.equal((await verified(store, ACME)).origin, 'audit.example/tenant/acme')
})

test('the same id in two logs is two entries', async (t) => {
  const store = await opened(t, { database: await server.database() })
  const entry = entryFor('acme')
  await store.append([entry, { ...entry, tenant: parseTenantId('globex') }])
  assert.equal((await store.read(ACME, 0, 10)).length, 1)
  assert.equal((await store.read(GLOBEX, 0, 10)).length, 1)
})

test('nothing of what entries say is in the database in plain text', async (t) => {
  const database = await server.database()
  const store = await opened(t, { database })
  await store.append([entryFor('acme', { reason: 'canary-in-the-log' })])
  const rows = await asked<{ readonly text: string }>(
    database,
    `select encode(bytes, 'escape') as text from records.log_entry`,
  )
  assert.equal(rows.length, 1)
  assert.doesNotMatch(rows[0]?.text ?? '', /canary|lease|clinic/)
  assert.match(rows[0]?.text ?? '', /^\{"v":1,"id":"/)
})

test('entries of two stores at once have one order and none is lost', async (t) => {
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const [one, other] = await Promise.all([
    opened(t, { database, keys }),
    opened(t, { database, keys }),
  ])
  const stores = [one, other]
  const entries = entriesFor('acme', 400)
  const both = entriesFor('globex', 100)
  await Promise.all(
    entries.map((entry, n) =>
      (n % 2 === 0 ? one : other).append([entry, ...both.slice(n % 90, (n % 90) + 3)]),
    ),
  )
  await Promise.all(stores.map((store) => store.append(both)))
  const store = one
  assert.deepEqual((await idsIn(store, ACME)).toSorted(), entries.map(({ id }) => id).toSorted())
  assert.deepEqual((await idsIn(store, GLOBEX)).toSorted(), both.map(({ id }) => id).toSorted())
  await Promise.all(stores.map((one) => one.sign(true)))
  assert.deepEqual((await verified(store, ACME)).findings, [])
  assert.deepEqual((await verified(store, GLOBEX)).findings, [])
})

test('tiles are there as soon as they are full, and none that the log has not reached', async (t) => {
  const store = await opened(t, { database: await server.database() })
  await store.append(entriesFor('acme', 513))
  const length = async (path: string) => (await store.tile(ACME, path))?.length
  assert.equal(await length('tile/0/000'), 8_192)
  assert.equal(await length('tile/0/001'), 8_192)
  assert.equal(await length('tile/0/002.p/1'), 32)
  assert.equal(await length('tile/1/000.p/2'), 64)
  for (const path of ['tile/0/002', 'tile/0/002.p/2', 'tile/1/000', 'tile/2/000.p/1', 'x']) {
    assert.equal(await length(path), undefined, path)
  }
  assert.equal((await store.tile(ACME, 'keys'))?.toString(), '[]\n')
  for (const path of ['tile/0/000.p/1', 'keys']) {
    assert.equal(await store.tile(GLOBEX, path), undefined)
  }
  assert.equal(await store.checkpoint(GLOBEX), undefined)
})

test('what a store has not signed, the next one signs', async (t) => {
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const first = await opened(t, { database, keys })
  await first.append(entriesFor('acme', 3))
  assert.equal(await first.checkpoint(ACME), undefined)
  const second = await opened(t, { database, keys })
  assert.equal((await verified(second, ACME)).size, 3)
})

test('no size is signed with two roots, whoever signs and however often', async (t) => {
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const stores = await Promise.all([opened(t, { database, keys }), opened(t, { database, keys })])
  const seen = new Map<number, string>()
  for (let round = 0; round < 10; round += 1) {
    await Promise.all(stores.map((store) => store.append(entriesFor('acme', 2))))
    await Promise.all(stores.map((store) => store.sign(true)))
    const note = (await stores[round % 2]?.checkpoint(ACME)) ?? assert.fail()
    const [key] = (await stores[0].keys(ACME)).map(({ vkey }) => parseVerifierKey(vkey))
    const { size } = openCheckpoint(note, key === undefined ? [] : [key])
    assert.equal(seen.get(size) ?? note, note)
    assert.ok(size >= Math.max(0, ...seen.keys()))
    seen.set(size, note)
  }
})

test('an entry with more details than a log can hold is entered without them', async (t) => {
  const store = await opened(t, { database: await server.database() })
  const detail = Object.fromEntries(
    Array.from({ length: 60 }, (_, n) => [`field-${n}`, 'x'.repeat(2_000)]),
  )
  const entry = entryFor('acme', { detail })
  await store.append([entry])
  const [read] = await store.read(ACME, 0, 1)
  assert.equal(read?.entry?.id, entry.id)
  assert.match(String(read?.entry?.detail?.['omitted']), /more details/)
  const bundle = await store.tile(ACME, 'tile/entries/000.p/1')
  assert.ok((bundle?.length ?? Infinity) < ENTRY_BYTES_MAX)
})

test('what is no entry is refused and keeps nobody else out', async (t) => {
  const store = await opened(t, { database: await server.database() })
  const good = entryFor('acme')
  const wrong = { ...entryFor('acme'), action: 'Not A Word' }
  const [first, second] = await Promise.allSettled([store.append([good]), store.append([wrong])])
  assert.equal(first?.status, 'fulfilled')
  assert.ok(second?.status === 'rejected')
  assert.equal((second.reason as { code: string }).code, 'invalid_argument')
  assert.deepEqual(await idsIn(store, ACME), [good.id])
})

test('each region keeps its own tenants, and a tenant of no known region is kept nowhere', async (t) => {
  const stores = new Map([
    ['eu', await opened(t, { database: await server.database() })],
    ['us', await opened(t, { database: await server.database() })],
  ])
  const regions = new Map([
    ['acme', 'eu'],
    ['globex', 'us'],
    ['initech', 'moon'],
  ])
  const logs = new RegionalLogs({ stores, home: 'eu', regionOf: (tenant) => regions.get(tenant) })
  await logs.append([entryFor('acme'), entryFor('globex'), entryFor(undefined)])
  const names = async (region: string) =>
    (await stores.get(region)?.logs())?.map(({ log }) => String(log))
  assert.deepEqual(await names('eu'), ['platform', 'tenant/acme'])
  assert.deepEqual(await names('us'), ['tenant/globex'])
  assert.equal((await logs.read(GLOBEX, 0, 10)).length, 1)
  for (const tenant of ['initech', 'hooli']) {
    await assert.rejects(logs.append([entryFor('acme'), entryFor(tenant)]), { code: 'not_found' })
  }
  assert.equal((await logs.read(ACME, 0, 10)).length, 1)
})

test('a server that is gone refuses entries, and enters them when it is back', async (t) => {
  const database = await server.database()
  const store = await opened(t, { database })
  await store.append(entriesFor('acme', 2))
  const name = String(database.database)
  await asked(server.cluster.admin, `alter database ${name} allow_connections false`)
  await asked(
    server.cluster.admin,
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`,
    [name],
  )
  const entry = entryFor('acme')
  await assert.rejects(store.append([entry]))
  await asked(server.cluster.admin, `alter database ${name} allow_connections true`)
  await store.append([entry])
  assert.equal((await idsIn(store, ACME)).filter((id) => id === entry.id).length, 1)
})
