import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { logOf } from '../../audit/entry.ts'
import { parseTenantId } from '../../core/tenant.ts'
import { until } from '../../core/until.test-support.ts'
import { openCheckpoint } from '../../transparency/checkpoint.ts'
import { cosigner, newSeed } from '../../transparency/note-signer.ts'
import { parseVerifierKey } from '../../transparency/verifier-key.ts'
import { FileAnchor } from './file-anchor.ts'
import { holdsOf, placeHold, releaseHold } from './holds.ts'
import { KeyEncryptionKeys } from './key-encryption.ts'
import { LogKeeper } from './log-keeper.ts'
import { rewrapKeys } from './rewrap-keys.ts'
import { ROTATION, rotateDueKeys, rotateKey } from './rotate-key.ts'
import { applyRetention, shredLog } from './shred.ts'
import {
  asked,
  DAY,
  entriesFor,
  entryFor,
  LogClock,
  opened,
  startLogServer,
  verified,
} from './test-logs.test-support.ts'

const ACME = logOf(parseTenantId('acme'))
const GLOBEX = logOf(parseTenantId('globex'))

let server: Awaited<ReturnType<typeof startLogServer>>
before(async () => {
  server = await startLogServer()
})
after(() => server?.stop())

test('a key is rotated when it is due: both sign for a while, and whoever has the old one follows', async (t) => {
  const clock = new LogClock()
  const database = await server.database()
  const store = await opened(t, { database, now: clock.now })
  const signers = async () => (await verified(store, ACME)).signedBy.length
  await store.append(entriesFor('acme', 3))
  await store.sign()
  const before = (await store.checkpoint(ACME)) ?? assert.fail()
  assert.deepEqual(await rotateDueKeys(store), [])
  clock.pass(92 * DAY)
  assert.deepEqual(await rotateDueKeys(store), [ACME])
  assert.deepEqual(await rotateDueKeys(store), [])
  await store.sign()
  assert.equal(await signers(), 2)
  const [old, next] = (await store.keys(ACME)).map(({ vkey }) => parseVerifierKey(vkey))
  assert.ok(old && next)
  const [announcement] = await store.read(ACME, 3, 1)
  assert.equal(announcement?.entry?.action, 'key.announced')
  assert.equal(announcement?.entry?.object?.id, next.text)

  clock.pass(31 * DAY)
  await rotateDueKeys(store)
  await store.append(entriesFor('acme', 1))
  await store.sign()
  const note = (await store.checkpoint(ACME)) ?? assert.fail()
  assert.throws(() => openCheckpoint(note, [old]), { code: 'invalid_evidence' })
  assert.equal(openCheckpoint(note, [next]).size, 5)
  // With the first key and what is served, the newest checkpoint is believed, and it goes on from then.
  assert.deepEqual((await verified(store, ACME, { since: before })).findings, [])
  const kept = await asked(
    database,
    `select vkey from records.log_signing_key where wrapped is not null`,
  )
  assert.deepEqual(kept, [{ vkey: next.text }])

  clock.pass(91 * DAY)
  await rotateDueKeys(store)
  await store.sign()
  assert.equal((await store.keys(ACME)).length, 3)
  assert.deepEqual((await verified(store, ACME, { since: before })).findings, [])
})

test('a log goes on whatever time it is said to be, and each checkpoint follows from the one before', async (t) => {
  const clock = new LogClock()
  const store = await opened(t, { database: await server.database(), now: clock.now })
  const said = [0, 400, -800, 30, 370.01].map((days) => {
    return { days, entries: entriesFor('acme', 3) }
  })
  for (const { days, entries } of said) {
    clock.pass(days * DAY)
    await store.append(entries)
    await rotateDueKeys(store)
    await store.sign()
    const { findings, size } = await verified(store, ACME)
    assert.deepEqual([findings, size], [[], Number((await store.logs())[0]?.size)])
  }
  const rows = await store.read(ACME, 0, 100)
  const ids = new Set(rows.map(({ entry }) => entry?.id))
  assert.ok(said.every(({ entries }) => entries.every(({ id }) => ids.has(id))))
})

test('two who rotate at once make one new key', async (t) => {
  const clock = new LogClock()
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const options = { database, keys, now: clock.now }
  const stores = await Promise.all([opened(t, options), opened(t, options)])
  await stores[0].append(entriesFor('acme', 1))
  clock.pass(92 * DAY)
  const due = clock.now() - ROTATION.everyMs
  const done = await Promise.all(stores.map((store) => rotateKey(store, ACME, ROTATION, due)))
  assert.deepEqual(done.toSorted(), [false, true])
  assert.equal((await stores[0].keys(ACME)).length, 2)
})

test('what is older than it is kept cannot be read any more, and all hashes and proofs hold', async (t) => {
  const clock = new LogClock()
  const database = await server.database()
  const store = await opened(t, { database, now: clock.now })
  await store.append([...entriesFor('acme', 300), ...entriesFor('globex', 2)])
  await store.sign()
  const before = (await store.checkpoint(ACME)) ?? assert.fail()
  clock.pass(30 * DAY)
  await store.append(entriesFor('acme', 5))
  clock.pass(70 * DAY)
  const kept = (days: number) => applyRetention(store, (log) => (log === ACME ? days : undefined))
  assert.deepEqual(await kept(90), [])
  assert.deepEqual(await kept(60), [ACME])
  assert.deepEqual(await kept(60), [])
  const entries = await store.read(ACME, 0, 1_000)
  assert.ok(entries.slice(0, 300).every(({ entry }) => entry === undefined))
  assert.ok(entries.slice(300).every(({ entry }) => entry !== undefined))
  assert.equal(entries.at(-1)?.entry?.action, 'entries.erased')
  assert.ok((await store.read(GLOBEX, 0, 9)).every(({ entry }) => entry !== undefined))
  await store.sign()
  assert.deepEqual((await verified(store, ACME, { since: before })).findings, [])
  const rows = await asked<{ readonly n: number }>(
    database,
    `select count(*)::int as n from records.log_data_key
     where log = 'tenant/acme' and period = '2026-11' and wrapped is not null`,
  )
  assert.deepEqual(rows, [{ n: 0 }])
})

test('a log on hold is not erased, by age or by order, until the hold is released', async (t) => {
  const clock = new LogClock()
  const store = await opened(t, { database: await server.database(), now: clock.now })
  await store.append(entriesFor('acme', 3))
  const hold = { log: ACME, name: 'case-17', reason: 'a court asked', by: 'legal@ringfence' }
  await placeHold(store, hold)
  await assert.rejects(placeHold(store, hold), { code: 'already_exists' })
  assert.deepEqual(await holdsOf(store, ACME), [hold])
  clock.pass(400 * DAY)
  assert.deepEqual(await applyRetention(store, () => 30), [])
  await assert.rejects(shredLog(store, ACME, 'offboarded'), { code: 'conflict' })
  assert.equal((await store.read(ACME, 0, 1))[0]?.entry?.action, 'lease.granted')
  await releaseHold(store, hold)
  await assert.rejects(releaseHold(store, hold), { code: 'not_found' })
  assert.equal(await shredLog(store, ACME, 'offboarded'), 2)
  const read = await store.read(ACME, 0, 10)
  assert.deepEqual(
    read.map(({ entry }) => entry?.action),
    [undefined, undefined, undefined, undefined, undefined, 'entries.erased'],
  )
  // What is entered in the same month has another key.
  await store.append([entryFor('acme')])
  assert.equal((await store.read(ACME, 6, 1))[0]?.entry?.action, 'lease.granted')
  await store.sign()
  assert.deepEqual((await verified(store, ACME)).findings, [])
})

test('a log that was put back to an older state is not signed over what an anchor has', async (t) => {
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const directory = join(server.directory, 'anchor')
  const anchors = [new FileAnchor(directory)]
  const lines: string[] = []
  const options = {
    database,
    keys,
    anchors,
    anchorEveryMs: 0,
    log: (line: string) => void lines.push(line),
  }
  const first = await opened(t, options)
  await first.append(entriesFor('acme', 300))
  await first.sign()
  await first.append(entriesFor('acme', 5))
  await first.close()
  const kept = (await anchors[0]?.last('audit.example/tenant/acme')) ?? assert.fail()
  assert.match(kept, /\n305\n/)
  // The last entries are lost, together with what was signed of them: a backup has none of it.
  await asked(
    database,
    `delete from records.log_checkpoint where size > 300;
     delete from records.log_entry where place >= 300;
     update records.log_head set size = 256, peaks = (select hash from records.log_node);
     delete from records.log_entry where place >= 256;
     delete from records.log_checkpoint`,
  )
  const second = await opened(t, options)
  assert.match(lines.join(), /has 256 entries, and file .* has a checkpoint of 305/)
  await second.append(entriesFor('acme', 100))
  await assert.rejects(second.sign(), { code: 'conflict' })
  assert.equal(await second.checkpoint(ACME), undefined)
})

test('an anchor that was cut off in the middle of a line goes on, and one that is away holds up no entry', async (t) => {
  const database = await server.database()
  const directory = join(server.directory, 'cut')
  const anchor = new FileAnchor(directory)
  const store = await opened(t, { database, anchors: [anchor], anchorEveryMs: 0 })
  await store.append(entriesFor('acme', 1))
  await store.sign()
  const file = join(directory, 'audit.example%2Ftenant%2Facme.checkpoints')
  const whole = readFileSync(file, 'utf8')
  writeFileSync(file, whole + whole)
  truncateSync(file, whole.length + 20)
  assert.match((await anchor.last('audit.example/tenant/acme')) ?? '', /\n1\n/)
  await store.append(entriesFor('acme', 1))
  await store.sign()
  assert.match((await anchor.last('audit.example/tenant/acme')) ?? '', /\n2\n/)

  const away = new FileAnchor(join(file, 'a-file-is-no-directory'))
  const other = await opened(t, { database: await server.database(), anchors: [away] })
  await other.append(entriesFor('acme', 1))
  // What an anchor has is not known: nothing is signed that might contradict it.
  await assert.rejects(other.sign(), { code: 'not_writable' })
  assert.equal(await other.checkpoint(ACME), undefined)
  assert.equal((await other.read(ACME, 0, 9)).length, 1)
})

test('keys are wrapped anew with the next key-encryption key, and the older one is not needed any more', async (t) => {
  const database = await server.database()
  const [older, newer] = [randomBytes(32), randomBytes(32)]
  const first = await opened(t, { database, keys: new KeyEncryptionKeys([older]) })
  await first.append(entriesFor('acme', 2))
  await first.sign()
  const second = await opened(t, { database, keys: new KeyEncryptionKeys([newer, older]) })
  assert.equal((await second.read(ACME, 0, 9))[1]?.entry?.action, 'lease.granted')
  assert.equal(await rewrapKeys(second), 2)
  assert.equal(await rewrapKeys(second), 0)
  const third = await opened(t, { database, keys: new KeyEncryptionKeys([newer]) })
  await third.append(entriesFor('acme', 2))
  await third.sign()
  assert.deepEqual((await verified(third, ACME)).findings, [])
  assert.ok((await third.read(ACME, 0, 9)).every(({ entry }) => entry !== undefined))
  // Whoever has the database and another key has nothing.
  await assert.rejects(first.read(ACME, 0, 9), { code: 'internal' })
})

test('a keeper signs what comes, rotates what is due and tells of what goes wrong', async (t) => {
  const clock = new LogClock()
  const lines: string[] = []
  const store = await opened(t, { database: await server.database(), now: clock.now })
  const key = cosigner('witness.example/away', newSeed(), () => 1).key
  const keeper = new LogKeeper({
    store,
    signEveryMs: 10,
    witnessEveryMs: 10,
    tendEveryMs: 10,
    witnesses: [{ url: 'http://127.0.0.1:1/nobody', key }],
    daysKept: () => 365,
    log: (line) => void lines.push(line),
  })
  await store.append(entriesFor('acme', 2))
  await until(async () => (await store.checkpoint(ACME)) !== undefined)
  await until(() => lines.some((line) => line.startsWith('tenant/acme: ')))
  clock.pass(92 * DAY)
  await until(async () => (await store.keys(ACME)).length === 2)
  await keeper.close()
})

test('a log that has lost entries which an anchor has signed is not signed again', async (t) => {
  const database = await server.database()
  const keys = new KeyEncryptionKeys([randomBytes(32)])
  const anchors = [new FileAnchor(join(server.directory, 'gone'))]
  const options = { database, keys, anchors, anchorEveryMs: 0, log: () => undefined }
  const first = await opened(t, options)
  await first.append(entriesFor('acme', 9))
  await first.sign()
  await first.close()
  await asked(database, `delete from records.log_entry where place = 4`)
  const second = await opened(t, options)
  await second.append(entriesFor('acme', 1))
  await assert.rejects(second.sign(), {
    code: 'conflict',
    message: /first 9 entries.*some are gone/,
  })
})
