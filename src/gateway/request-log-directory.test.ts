import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { RequestLogDirectory } from './request-log-directory.ts'

test('requests are in the file of their day, which is kept for as long as it is said, and nothing else is touched', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rf-requests-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const directory = join(root, 'worker-1')
  let now = Date.UTC(2026, 10, 1, 23, 59)
  const open = () =>
    new RequestLogDirectory({ directory, daysKept: 2, now: () => now, log: assert.fail })
  let log = open()
  log.write('one\ntwo')
  log.close()
  // Another process of the same name goes on in it.
  log = open()
  log.write('three')
  writeFileSync(join(directory, 'notes.txt'), '')
  for (let day = 2; day <= 5; day += 1) {
    now = Date.UTC(2026, 10, day)
    log.write(`day ${day}`)
    if (day !== 2) continue
    const first = join(directory, 'requests-2026-11-01.ndjson')
    assert.equal(readFileSync(first, 'utf8'), 'one\ntwo\nthree\n')
    assert.equal(statSync(first).mode & 0o777, 0o600)
  }
  log.close()
  assert.deepEqual(readdirSync(directory).sort(), [
    'notes.txt',
    ...[3, 4, 5].map((day) => `requests-2026-11-0${day}.ndjson`),
  ])
})

test('a directory that cannot be written costs lines and no request, and that is told once a minute', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'rf-requests-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  const directory = join(root, 'taken')
  writeFileSync(directory, '')
  const told: string[] = []
  const log = new RequestLogDirectory({
    ...{ directory, daysKept: 2, now: () => 0, log: (line) => told.push(line) },
  })
  log.write('one')
  log.write('two')
  assert.equal(told.length, 1)
  rmSync(directory)
  log.write('three')
  log.close()
  assert.equal(readFileSync(join(directory, 'requests-1970-01-01.ndjson'), 'utf8'), 'three\n')
})
