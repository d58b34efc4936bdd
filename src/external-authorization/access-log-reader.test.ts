import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import {
  appendFileSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../core/until.test-support.ts'
import type { UsageEvent } from '../usage/usage-event.ts'
import { AccessLogReader, type AccessLogReaderOptions } from './access-log-reader.ts'
import { lineOf, SEAL, SOURCE } from './access-log.test-support.ts'

/** A log, and whoever reads it, ends, and begins again. */
function site(t: TestContext) {
  const directory = mkdtempSync(join(tmpdir(), 'rf-access-log-'))
  const file = join(directory, 'usage.log')
  writeFileSync(file, '')
  const events: UsageEvent[] = []
  const told: string[] = []
  const open: AccessLogReader[] = []
  const written = new Set<string>()
  t.after(async () => {
    for (const reader of open) await reader.close()
    rmSync(directory, { recursive: true, force: true })
  })
  const read = async (change: Partial<AccessLogReaderOptions> = {}) => {
    const reader = await AccessLogReader.open({
      ...{ proxy: 'nginx-1', file, source: SOURCE, seal: SEAL, everyMs: 5 },
      directory: join(directory, 'reader'),
      sink: { write: async (batch) => void events.push(...batch) },
      log: (line) => told.push(line),
      ...change,
    })
    open.push(reader)
    return reader
  }
  return {
    directory,
    file,
    events,
    told,
    read,
    /** Some requests, as lines of a file. */
    carry: (count: number, into = file) => {
      for (let n = 0; n < count; n += 1) {
        const id = randomBytes(16).toString('hex')
        written.add(id)
        appendFileSync(into, `${lineOf({ id })}\n`)
      }
    },
    /** Waits until each request was handed over, and requires that nothing else was. */
    arrived: async () => {
      await until(() => new Set(events.map(({ id }) => id)).size >= written.size)
      assert.deepEqual(new Set(events.map(({ id }) => id)), written)
    },
  }
}

test('each line is handed over, once where nobody is killed', async (t) => {
  const { read, carry, arrived, events } = site(t)
  carry(20)
  const first = await read()
  await arrived()
  carry(20)
  await arrived()
  await first.close()
  carry(20)
  await read()
  await arrived()
  assert.equal(events.length, 60)
})

test('a log that is renamed is read to its end, with what is still added to it', async (t) => {
  const { file, read, carry, arrived, events } = site(t)
  const reader = await read()
  carry(5)
  await arrived()
  renameSync(file, `${file}.1`)
  // nginx goes on with the file that it has open until it is told.
  carry(5, `${file}.1`)
  carry(5)
  carry(5, `${file}.1`)
  await arrived()
  await reader.close()
  // Twice while nobody reads.
  carry(5)
  renameSync(`${file}.1`, `${file}.2`)
  renameSync(file, `${file}.1`)
  carry(5)
  await read()
  await arrived()
  assert.equal(events.length, 30)
})

test('a log that is copied and emptied is read on in the copy, and from its beginning', async (t) => {
  const { file, read, carry, arrived, events } = site(t)
  const reader = await read()
  carry(5)
  await arrived()
  await reader.close()
  carry(5)
  copyFileSync(file, `${file}.1`)
  truncateSync(file)
  // As long as before, and another one.
  carry(10)
  await read()
  await arrived()
  copyFileSync(file, `${file}-20261126`)
  truncateSync(file)
  carry(1)
  await arrived()
  assert.equal(events.length, 21)
})

test('killed before it has marked what it read, it hands over the same again', async (t) => {
  const { directory, read, carry, arrived, events } = site(t)
  carry(3)
  // What was handed over is safe, and nothing else happens any more.
  const killed = await read({
    everyMs: 3_600_000,
    sink: {
      async write(batch) {
        events.push(...batch)
        throw new Error('killed')
      },
    },
  })
  await arrived()
  await killed.close()
  const again = join(directory, 'reader')
  assert.throws(() => readFileSync(join(again, 'read.json')))
  const reader = await read()
  await until(() => events.length === 6)
  assert.deepEqual(events.slice(3), events.slice(0, 3))
  await reader.close()
  // A mark that is lost, or torn, is the beginning.
  for (const mark of ['', '[["x"', '{}']) {
    writeFileSync(join(again, 'read.json'), mark)
    const count = events.length
    const next = await read()
    await until(() => events.length === count + 3)
    await next.close()
  }
  assert.equal(new Set(events.map((event) => JSON.stringify(event))).size, 3)
})

test('while the sink does not take it nothing is lost, and the lag tells', async (t) => {
  const { read, carry, arrived, events, told } = site(t)
  let isFull = true
  const reader = await read({
    writtenOutMs: 0,
    sink: {
      write: async (batch) => {
        if (isFull) throw new Error('the disk is full')
        events.push(...batch)
      },
    },
  })
  await until(() => reader.lag.readTo !== undefined)
  carry(5)
  await until(() => reader.lag.trouble === 'the disk is full')
  const { readTo } = reader.lag
  await until(() => told.length === 1)
  assert.equal(reader.lag.readTo, readTo)
  isFull = false
  await arrived()
  await until(() => (reader.lag.readTo ?? 0) > (readTo ?? 0))
  assert.equal(reader.lag.trouble, undefined)
  assert.equal(events.length, 5)
})

test('what is no line is kept apart and told, and holds up nothing', async (t) => {
  const { directory, file, read, carry, arrived, events, told } = site(t)
  appendFileSync(file, 'nginx says something\n\n')
  carry(2)
  appendFileSync(file, `${lineOf({ usage: 'forged' })}\n${'x'.repeat(200_000)}\n`)
  carry(2)
  appendFileSync(file, lineOf({}).slice(0, 40))
  await read()
  await arrived()
  // It may be the beginning of a line, until nobody adds to the file any more.
  assert.ok(told.every((line) => !line.includes('it has no end')))
  renameSync(file, `${file}.1`)
  utimesSync(`${file}.1`, new Date(), new Date(Date.now() - 3_600_000))
  writeFileSync(file, '')
  carry(1)
  await arrived()
  await until(() => told.some((line) => line.includes('it has no end')))
  assert.equal(events.length, 5)
  const aside = readFileSync(join(directory, 'reader', 'set-aside.ndjson'), 'utf8')
  for (const part of ['nginx says something', 'forged', 'xxx', 'it has no end']) {
    assert.ok(aside.includes(part), part)
  }
  // What lines hold is in that file alone.
  assert.ok(told.every((line) => !line.includes('forged') && !line.includes('nginx says')))
})

test('files that begin in the same way are two, where their first line names no request', async (t) => {
  const { file, read, carry, arrived } = site(t)
  for (const name of [file, `${file}.1`]) {
    appendFileSync(name, '# begun anew\n')
    carry(3, name)
  }
  await read()
  await arrived()
})

test('without its log nothing is said to be complete, and a log that went unread is told of', async (t) => {
  const { file, read, carry, arrived, told } = site(t)
  rmSync(file)
  const none = await read({ writtenOutMs: 0 })
  await until(() => none.lag.trouble !== undefined)
  assert.equal(none.lag.readTo, undefined)
  carry(2)
  await arrived()
  await until(() => none.lag.readTo !== undefined)
  await none.close()
  renameSync(file, `${file}.1.gz`)
  carry(2)
  await read()
  await arrived()
  await until(() => told.some((line) => line.includes('proxy-log-file-gone')))
})

test('the request log has each request, on the day on which it ended', async (t) => {
  const { read, carry, arrived } = site(t)
  const logged: [string, number][] = []
  carry(3)
  await read({
    logged: (at, lines) => void logged.push([at.toISOString(), lines.split('\n').length]),
  })
  await arrived()
  assert.deepEqual(logged, [['2026-11-26T00:00:00.000Z', 3]])
})

test('whoever ends before the end of the log calls nothing complete', async (t) => {
  const { read, carry, events } = site(t)
  carry(3_000)
  let ends: () => void = () => {}
  const ending = new Promise<void>((resolve) => {
    ends = resolve
  })
  const reader = await read({
    writtenOutMs: 0,
    sink: {
      async write(batch) {
        events.push(...batch)
        ends()
      },
    },
  })
  await ending
  await reader.close()
  assert.ok(events.length < 3_000)
  assert.equal(reader.lag.readTo, undefined)
})
