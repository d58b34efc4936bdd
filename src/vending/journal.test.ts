import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import fc from 'fast-check'
import type { JournalEntry } from './journal-entry.ts'
import { Journal } from './journal.ts'
import { recall } from './recall.ts'
import { readJournal } from './world.test-support.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'rf-journal-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const FIRST = 'vending-00000001.ndjson'

const entry = (request_id: string, at = new Date()): JournalEntry => ({
  at: at.toISOString(),
  act: 'denial',
  request_id,
  verified: false,
  layer: 'form',
  reason: 'repeated',
})

const ids = () => readJournal(directory).map(({ request_id }) => request_id)

test('entries are on the disk, in order, when append returns, and only we may read them', async () => {
  const journal = await Journal.open({ directory })
  const names = Array.from({ length: 200 }, (_, index) => String(index))
  await Promise.all(names.map((name) => journal.append(entry(name))))
  assert.deepEqual(ids(), names)
  assert.equal(statSync(join(directory, FIRST)).mode & 0o777, 0o600)
  await journal.close()
})

test('a process that comes later goes on where the one before it ended', async () => {
  for (const name of ['a', 'b']) {
    const journal = await Journal.open({ directory })
    await journal.append(entry(name))
    await journal.close()
  }
  assert.deepEqual(ids(), ['a', 'b'])
  assert.deepEqual(readdirSync(directory), [FIRST])
})

test('a last line that was torn anywhere is cut off, said so, and nothing before it is lost', async () => {
  const torn = JSON.stringify(entry('torn'))
  await fc.assert(
    fc.asyncProperty(
      fc.nat(3),
      fc.integer({ min: 1, max: torn.length }),
      async (whole, characters) => {
        const before = Array.from({ length: whole }, (_, index) => String(index))
        const first = await Journal.open({ directory })
        for (const name of before) await first.append(entry(name))
        await first.close()
        appendFileSync(join(directory, FIRST), torn.slice(0, characters))
        const journal = await Journal.open({ directory })
        assert.equal(journal.bytesCut, characters)
        await journal.append(entry('after'))
        await journal.close()
        assert.deepEqual(ids(), [...before, '', 'after'])
        assert.equal(readJournal(directory)[whole]?.act, 'mended')
        rmSync(join(directory, FIRST))
      },
    ),
    { numRuns: 25 },
  )
})

test('a file that is full is followed by another, and no entry is lost or doubled', async () => {
  const journal = await Journal.open({ directory, bytesMax: 500 })
  const names = Array.from({ length: 20 }, (_, index) => String(index))
  for (const name of names) await journal.append(entry(name))
  await journal.close()
  assert.deepEqual(ids(), names)
  assert.ok(readdirSync(directory).length > 3)
})

test('more entries than may wait are refused, and those that wait are written', async () => {
  const journal = await Journal.open({ directory, waitingMax: 10 })
  const results = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => journal.append(entry(String(index)))),
  )
  const refused = results.filter((one) => one.status === 'rejected')
  assert.ok(refused.length > 0 && refused.every(({ reason }) => reason.code === 'overloaded'))
  assert.equal(ids().length, results.length - refused.length)
  await journal.append(entry('later'))
  await journal.close()
})

test('a disk that is full is told to each who waits, and remembered until a write succeeds', async () => {
  symlinkSync('/dev/full', join(directory, FIRST))
  const journal = await Journal.open({ directory })
  assert.equal(journal.writable, true)
  for (let turn = 0; turn < 2; turn += 1) {
    await assert.rejects(journal.append(entry('x')), { code: 'not_writable' })
    assert.equal(journal.writable, false)
  }
  await journal.close()
})

test('a directory that cannot be used is refused at the start', async () => {
  writeFileSync(join(directory, 'file'), '')
  const below = { directory: join(directory, 'file', 'journal') }
  await assert.rejects(Journal.open(below), { code: 'not_writable' })
})

test('after closing, entries are refused', async () => {
  const journal = await Journal.open({ directory })
  await journal.close()
  await assert.rejects(journal.append(entry('late')), { code: 'not_writable' })
})

test('what is recalled is what was said since then, over all files, and torn lines are passed over', async () => {
  const now = Date.now()
  const journal = await Journal.open({ directory, bytesMax: 300 })
  for (const minutes of [90, 70, 50, 30, 10]) {
    await journal.append(entry(String(minutes), new Date(now - minutes * 60_000)))
  }
  await journal.close()
  appendFileSync(join(directory, readdirSync(directory).sort().at(-1) ?? ''), '{"at":')
  const found = await recall(directory, new Date(now - 3_600_000))
  assert.deepEqual(
    found.map(({ request_id }) => request_id),
    ['50', '30', '10'],
  )
})
