import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { decodeBundle, encodeBundle } from './entry-bundle.ts'
import { announceKey } from './key-announcement.ts'
import { describeFinding, type LogFinding } from './log-finding.ts'
import { leafHash } from './merkle-hash.ts'
import { entriesOf, type MemoryLog, memoryLog, reading } from './memory-log.test-support.ts'
import { cosigner, logSigner, newSeed } from './note-signer.ts'
import { TILE_WIDTH, tilePath } from './tile-path.ts'
import { verifyLog, type VerifyLog } from './verify-log.ts'

const ORIGIN = 'log.example/tenant/acme'
const SIZE = 1_000
const signer = logSigner(ORIGIN, newSeed())
const entries = entriesOf(SIZE)
const whole = memoryLog(entries, signer)

async function verify(
  log: MemoryLog,
  more: Partial<VerifyLog> = {},
): Promise<readonly LogFinding[]> {
  const { findings } = await verifyLog({ read: reading(log), keys: [signer.key], ...more })
  assert.ok(findings.every((one) => describeFinding(one).length > 10))
  return findings
}

const noteOf = (log: MemoryLog) => Buffer.from(log.get('checkpoint') ?? '').toString('utf8')

/** Whoever can write all files, and has not the key, puts other entries below the signed checkpoint. */
function replaced(log: MemoryLog, list: readonly Uint8Array[]): MemoryLog {
  const copy = new Map(log)
  for (const path of log.keys()) if (path.startsWith('tile/entries/')) copy.delete(path)
  const bundles = Math.ceil(Math.min(list.length, SIZE) / TILE_WIDTH)
  for (let index = 0; index < bundles; index += 1) {
    const width = Math.min(TILE_WIDTH, SIZE - index * TILE_WIDTH)
    const end = index === bundles - 1 ? list.length : (index + 1) * TILE_WIDTH
    copy.set(
      tilePath({ level: 'entries', index, width }),
      encodeBundle(list.slice(index * TILE_WIDTH, end)),
    )
  }
  return copy
}

const without = (...gone: number[]) => entries.filter((_, n) => !gone.includes(n))
const strange = Buffer.from('strange')

test('a log as it was signed is found whole, of any size', async () => {
  for (const size of [0, 1, 2, 255, 256, 257, 300, 65_537]) {
    assert.deepEqual(await verify(memoryLog(entriesOf(size), signer)), [], String(size))
  }
})

test('an entry that was changed is named', async () => {
  for (const index of [0, 255, 256, 700, 999]) {
    assert.deepEqual(await verify(replaced(whole, entries.with(index, strange))), [
      { kind: 'changed', index },
    ])
  }
})

test('an entry that was removed is named, although all after it have moved up', async () => {
  assert.deepEqual(await verify(replaced(whole, without(300))), [{ kind: 'removed', index: 300 }])
  assert.deepEqual(await verify(replaced(whole, without(0, 511, 512))), [
    { kind: 'removed', index: 0 },
    { kind: 'removed', index: 511 },
    { kind: 'removed', index: 512 },
  ])
})

test('entries that were reordered are named, near and far', async () => {
  const swap = (a: number, b: number) =>
    entries.with(a, entries[b] ?? strange).with(b, entries[a] ?? strange)
  assert.deepEqual(await verify(replaced(whole, swap(4, 5))), [{ kind: 'moved', index: 5, to: 4 }])
  assert.deepEqual(
    (await verify(replaced(whole, swap(10, 900)))).toSorted((a, b) =>
      JSON.stringify(a).localeCompare(JSON.stringify(b)),
    ),
    [
      { kind: 'moved', index: 10, to: 900 },
      { kind: 'moved', index: 900, to: 10 },
    ],
  )
})

test('an entry that was put in is named, also one that is there already', async () => {
  for (const entry of [strange, entries[3] ?? strange]) {
    const list = entries.toSpliced(600, 0, entry)
    assert.deepEqual(await verify(replaced(whole, list)), [{ kind: 'inserted', index: 600 }])
  }
})

test('a log whose end was cut off is found truncated', async () => {
  const cut = (from: number): LogFinding[] => [{ kind: 'missing', index: from, count: SIZE - from }]
  for (const from of [1, 255, 256, 700, 768, 999]) {
    assert.deepEqual(await verify(replaced(whole, entries.slice(0, from))), cut(from), String(from))
  }
})

test('bundles and tiles that are not there are named', async () => {
  const log = new Map(whole)
  log.delete('tile/entries/001')
  assert.deepEqual(await verify(log), [{ kind: 'missing', index: 256, count: 256 }])
  log.delete('tile/0/001')
  const [lost] = await verify(log)
  assert.deepEqual(lost, { kind: 'missing', index: 256, count: 256 })
  for (const path of ['tile/0/001', 'tile/0/003.p/232', 'tile/1/000.p/3']) {
    const log = new Map(whole)
    log.delete(path)
    const findings = await verify(log)
    assert.equal(findings.length, 1, path)
    assert.equal(findings[0]?.kind, 'tile', path)
  }
})

test('a hash that was changed is found in its tile, and the entries are found whole', async () => {
  for (const path of ['tile/0/002', 'tile/0/003.p/232', 'tile/1/000.p/3']) {
    const log = new Map(whole)
    const tile = Buffer.from(log.get(path) ?? '')
    tile[40] = (tile[40] ?? 0) ^ 1
    log.set(path, tile)
    const findings = await verify(log)
    assert.ok(findings.length === 1 && findings[0]?.kind === 'tile', path)
  }
})

test('an entry that was changed together with its hash is confined to its tile', async () => {
  const log = replaced(whole, entries.with(300, strange))
  const tile = Buffer.from(log.get('tile/0/001') ?? '')
  leafHash(strange).copy(tile, (300 - 256) * 32)
  log.set('tile/0/001', tile)
  assert.deepEqual(await verify(log), [
    { kind: 'rewritten', index: 256, count: 256 },
    { kind: 'tile', path: 'tile/0/001' },
  ])
})

test('a whole log that was written anew does not have the signed root', async () => {
  const forged = memoryLog(entries.with(5, strange), logSigner(ORIGIN, newSeed()))
  const [first] = await verify(forged)
  assert.equal(first?.kind, 'signature')
  forged.set('checkpoint', whole.get('checkpoint') ?? strange)
  assert.deepEqual(await verify(forged), [{ kind: 'rewritten', index: 0, count: SIZE }])
})

test('against an older checkpoint, a log that was cut off or forked with its own key is found', async () => {
  const since = noteOf(whole)
  assert.deepEqual(await verify(memoryLog(entriesOf(1_300), signer), { since }), [])
  assert.deepEqual(await verify(whole, { since }), [])
  assert.deepEqual(await verify(memoryLog(entriesOf(900), signer), { since }), [
    { kind: 'truncated', index: 900, count: 100 },
  ])
  for (const size of [1_000, 1_300]) {
    const forked = memoryLog(entriesOf(size).with(5, strange), signer)
    assert.deepEqual(await verify(forked, { since }), [{ kind: 'forked', count: 1_000 }])
  }
  // A change that was not signed is no fork.
  assert.deepEqual(
    await verify(replaced(whole, entries.with(7, strange)), {
      since: noteOf(memoryLog(entriesOf(500), signer)),
    }),
    [{ kind: 'changed', index: 7 }],
  )
  const other = noteOf(memoryLog(entries, logSigner(ORIGIN, newSeed())))
  await assert.rejects(verify(whole, { since: other }), { code: 'invalid_evidence' })
})

test('a checkpoint of another log, or a spoiled one, is not believed', async () => {
  const other = memoryLog(entries, logSigner('log.example/tenant/globex', newSeed()))
  for (const note of [noteOf(other), noteOf(whole).replace('\n1000\n', '\n999\n'), 'x']) {
    const [finding] = await verify(new Map(whole).set('checkpoint', Buffer.from(note)))
    assert.equal(finding?.kind, 'signature')
  }
  await assert.rejects(verify(new Map()), { code: 'not_found' })
})

test('as many witnesses must have cosigned as are asked for', async () => {
  const witnesses = ['w1', 'w2', 'w3'].map((name) =>
    cosigner(`witness.example/${name}`, newSeed(), () => 1_700_000_000),
  )
  const [w1, w2, w3] = witnesses
  assert.ok(w1 && w2 && w3)
  const log = memoryLog(entries, signer, w1, w2)
  const keys = [w1.key, w2.key, w3.key]
  assert.deepEqual(await verify(log, { witnesses: keys, quorum: 2 }), [])
  assert.deepEqual(await verify(log, { witnesses: keys }), [
    { kind: 'witnesses', found: 2, needed: 3 },
  ])
})

test('a new key is followed when the old one has announced it in the log, and not otherwise', async () => {
  const next = logSigner(ORIGIN, newSeed())
  const stranger = logSigner(ORIGIN, newSeed())
  const from = '2026-11-01T00:00:00Z'
  const note = announceKey({ origin: ORIGIN, key: next.key, from }, signer, next)
  const entry = Buffer.from(`{"v":1,"open":${JSON.stringify({ detail: { note } })}}`)
  const announced = memoryLog([...entries, entry], next)
  announced.set('keys', Buffer.from(JSON.stringify([note])))
  assert.deepEqual(await verify(announced), [])
  const silent = memoryLog(entries, next).set('keys', Buffer.from(JSON.stringify([note])))
  assert.deepEqual(await verify(silent), [{ kind: 'key', key: next.key.text }])
  // By somebody else, or of a key that the announcer only claims to have.
  for (const [by, other] of [
    [stranger, next],
    [signer, stranger],
  ] as const) {
    const forged = announceKey({ origin: ORIGIN, key: next.key, from }, by, other)
    const log = memoryLog([...entries, entry], next)
    log.set('keys', Buffer.from(JSON.stringify([forged])))
    assert.equal((await verify(log))[0]?.kind, 'signature')
  }
})

test('whatever is done to the files of a log, it is noticed', async () => {
  const small = memoryLog(entriesOf(700), signer)
  const paths = [...small.keys()]
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...paths), fc.nat(), fc.nat(2), async (path, at, act) => {
      const bytes = Buffer.from(small.get(path) ?? '')
      const log = new Map(small)
      if (act === 0) log.set(path, bytes.subarray(0, at % bytes.length))
      else if (act === 1) log.set(path, turned(bytes, at))
      else log.set(path, Buffer.concat([bytes, Buffer.of(at % 256)]))
      assert.ok((await verify(log)).length > 0, `${path} ${at} ${act}`)
    }),
    { numRuns: 120 },
  )
  assert.equal(decodeBundle(small.get('tile/entries/000') ?? strange)?.length, 256)
})

function turned(bytes: Buffer, at: number): Buffer {
  bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1
  return bytes
}
