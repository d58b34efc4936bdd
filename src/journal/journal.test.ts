import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import { type JournalLine, lineText } from './journal-line.ts'
import { Journal } from './journal.ts'
import { linesOf } from './lines-of.test-support.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rf-journal-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const FIRST = 'journal-00000001.ndjson'
const line = (id: string): JournalLine => ({ kind: 'audit', value: { id } })
const ids = () =>
  linesOf(directory).flatMap(({ value }) => ('id' in value ? [String(value.id)] : []))

test('lines are on the disk, in order, when append returns, and only we may read them', async () => {
  const journal = await Journal.open({ directory })
  const names = Array.from({ length: 200 }, (_, index) => String(index))
  await Promise.all(names.map((name) => journal.append([line(name)])))
  assert.deepEqual(ids(), names)
  assert.equal(statSync(join(directory, FIRST)).mode & 0o777, 0o600)
  await journal.close()
})

test('a process that comes later goes on where the one before it ended', async () => {
  for (const name of ['a', 'b']) {
    const journal = await Journal.open({ directory })
    await journal.append([line(name)])
    await journal.close()
  }
  assert.deepEqual(ids(), ['a', 'b'])
  assert.deepEqual(readdirSync(directory), [FIRST])
})

test('a last line that was torn anywhere is cut off, said so, and nothing before it is lost', async () => {
  const torn = lineText(line('torn'))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3),
      fc.integer({ min: 1, max: torn.length - 1 }),
      async (whole, characters) => {
        const before = Array.from({ length: whole }, (_, index) => String(index))
        const first = await Journal.open({ directory })
        for (const name of before) await first.append([line(name)])
        await first.close()
        appendFileSync(join(directory, FIRST), torn.slice(0, characters))
        const journal = await Journal.open({ directory })
        assert.equal(journal.bytesCut, characters)
        await journal.append([line('after')])
        await journal.close()
        assert.deepEqual(ids(), [...before, 'after'])
        assert.equal(linesOf(directory)[whole]?.kind, 'mended')
        rmSync(join(directory, FIRST))
      },
    ),
    { numRuns: 25 },
  )
})

test('a page that is full is followed by another, and no line is lost or doubled', async () => {
  const journal = await Journal.open({ directory, bytesMax: 200 })
  const names = Array.from({ length: 20 }, (_, index) => String(index))
  for (const name of names) await journal.append([line(name)])
  await journal.close()
  assert.deepEqual(ids(), names)
  assert.ok(readdirSync(directory).length > 3)
})

test('more lines than may wait are refused, and those that wait are written', async () => {
  const journal = await Journal.open({ directory, waitingMax: 10 })
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => journal.append([line(String(index))])),
  )
  const refused = results.filter((one) => one.status === 'rejected')
  assert.ok(refused.length > 0 && refused.every(({ reason }) => reason.code === 'overloaded'))
  assert.equal(ids().length, results.length - refused.length)
  await journal.append([line('later')])
  await journal.close()
})

test('a journal that keeps as much as it may refuses more, until pages that were sent are gone', async () => {
  const journal = await Journal.open({ directory, bytesMax: 100, keptBytesMax: 400 })
  let written = 0
  await assert.rejects(
    async () => {
      for (;;) {
        await journal.append([line(String(written))])
        written += 1
      }
    },
    { code: 'overloaded' },
  )
  assert.ok(written > 3)
  assert.ok((await journal.forget(journal.settled().end, -1)) > 0)
  await journal.append([line('more')])
  await journal.close()
})

test('a line that is longer than readers take is refused, and all that came with it', async () => {
  const journal = await Journal.open({ directory })
  const long = line('x'.repeat(64 * 1024))
  await assert.rejects(journal.append([line('a'), long]), { code: 'too_large' })
  await journal.append([line('b')])
  assert.deepEqual(ids(), ['b'])
  await journal.close()
})

test('a disk that is full is told to each who waits, and remembered until a write succeeds', async () => {
  symlinkSync('/dev/full', join(directory, FIRST))
  const journal = await Journal.open({ directory })
  assert.equal(journal.writable, true)
  for (let turn = 0; turn < 2; turn += 1) {
    await assert.rejects(journal.append([line('x')]), { code: 'not_writable' })
    assert.equal(journal.writable, false)
  }
  await journal.close()
})

test('that it can be written again is found without anybody asking', async () => {
  const journal = await Journal.open({ directory, bytesMax: 1, tryAgainMs: 5 })
  await journal.append([line('before')])
  const next = join(directory, 'journal-00000002.ndjson')
  mkdirSync(next)
  await assert.rejects(journal.append([line('x')]), { code: 'not_writable' })
  const isMended = new Promise<void>((resolve) => {
    journal.onWritten(() => {
      if (journal.writable) resolve()
    })
  })
  rmdirSync(next)
  await isMended
  await journal.append([line('after')])
  await journal.close()
  assert.deepEqual(ids(), ['before', 'after'])
})

test('a directory that cannot be used is refused at the start', async () => {
  writeFileSync(join(directory, 'file'), '')
  const below = { directory: join(directory, 'file', 'journal') }
  await assert.rejects(Journal.open(below), { code: 'not_writable' })
})

test('after closing, lines are refused', async () => {
  const journal = await Journal.open({ directory })
  await journal.close()
  await assert.rejects(journal.append([line('late')]), { code: 'not_writable' })
})

test('while something waits for the disk, the journal is complete only to before it', async () => {
  const journal = await Journal.open({ directory })
  const before = journal.settled()
  const handedOver = Date.now()
  const writing = journal.append([line('a')])
  assert.deepEqual(journal.settled().end, before.end)
  assert.ok(journal.settled().completeTo <= Date.now())
  await writing
  assert.ok(journal.settled().completeTo >= handedOver)
  assert.ok(journal.settled().end.bytes > before.end.bytes)
  await journal.close()
})

test('only pages that are before the place and old enough go', async () => {
  const journal = await Journal.open({ directory, bytesMax: 1 })
  for (const name of ['a', 'b', 'c', 'd']) await journal.append([line(name)])
  const old = new Date(Date.now() - 10_000)
  for (const name of readdirSync(directory).slice(0, 2)) utimesSync(join(directory, name), old, old)
  assert.equal(await journal.forget({ page: 2, bytes: 0 }, 5_000), 1)
  assert.equal(await journal.forget({ page: 4, bytes: 0 }, 5_000), 1)
  assert.deepEqual(ids(), ['c', 'd'])
  await journal.close()
})
