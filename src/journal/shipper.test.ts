import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { until } from '../core/until.test-support.ts'
import { readLine } from './journal-line.ts'
import { Journal } from './journal.ts'
import { type Batch, SendLater, SendLess, Shipper, type ShipperOptions } from './shipper.ts'

let directory: string
let journal: Journal
let shipper: Shipper | undefined
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'rf-shipper-'))
  journal = await Journal.open({ directory, bytesMax: 300 })
})
afterEach(async () => {
  await shipper?.close()
  shipper = undefined
  await journal.close()
  rmSync(directory, { recursive: true, force: true })
})

const write = (id: number, kind: 'audit' | 'own' | 'usage' = 'audit') =>
  journal.append([{ kind, value: { id } }])
const idsOf = (lines: readonly string[]) =>
  lines.map((text) => {
    const value = readLine(text)?.value
    return value !== undefined && 'id' in value ? Number(value.id) : Number.NaN
  })

async function start(
  send: (batch: Batch) => Promise<void>,
  options: Partial<ShipperOptions> = {},
): Promise<Shipper> {
  shipper = await Shipper.start({ journal, send, log: () => {}, delayMsMax: 5, ...options })
  return shipper
}

test('what is to be sent arrives in order over many pages, and what is our own stays', async () => {
  const arrived: number[] = []
  for (let id = 0; id < 30; id += 1) await write(id, id % 3 === 0 ? 'own' : 'audit')
  const running = await start(async ({ lines }) => void arrived.push(...idsOf(lines)))
  for (let id = 30; id < 60; id += 1) await write(id, id % 3 === 0 ? 'own' : 'usage')
  const wanted = Array.from({ length: 60 }, (_, id) => id).filter((id) => id % 3 !== 0)
  await until(() => arrived.length >= wanted.length)
  assert.deepEqual(arrived, wanted)
  await until(async () => (await running.lag()).bytes === 0)
})

test('what fails is sent again, nothing is passed over, and the lag tells of it', async () => {
  const arrived: number[] = []
  let down = true
  const logged: string[] = []
  const running = await start(
    async ({ lines }) => {
      if (down) throw new Error('away')
      arrived.push(...idsOf(lines))
    },
    { log: (line) => logged.push(line) },
  )
  for (let id = 0; id < 20; id += 1) await write(id)
  await until(async () => (await running.lag()).trouble === 'away')
  const { bytes, completeTo } = await running.lag()
  assert.ok(bytes > 0)
  assert.equal(completeTo, undefined)
  assert.equal(logged.length, 1)
  down = false
  await until(() => arrived.length === 20)
  assert.deepEqual(
    arrived,
    Array.from({ length: 20 }, (_, id) => id),
  )
  await until(async () => (await running.lag()).trouble === undefined)
})

test('a later process goes on behind what was answered, and sends again what was not', async () => {
  const arrived: number[] = []
  for (let id = 0; id < 5; id += 1) await write(id)
  const first = await start(async ({ lines }) => void arrived.push(...idsOf(lines)))
  await until(() => arrived.length === 5)
  await until(async () => (await first.lag()).bytes === 0)
  await first.close()
  for (let id = 5; id < 10; id += 1) await write(id)
  await start(async ({ lines }) => void arrived.push(...idsOf(lines)))
  await until(() => arrived.length === 10)
  assert.deepEqual(
    arrived,
    Array.from({ length: 10 }, (_, id) => id),
  )
})

test('whoever asks for less gets less, and whoever asks for time is given it', async () => {
  const sizes: number[] = []
  const arrived: number[] = []
  let asked = 0
  const wide = await Journal.open({ directory: join(directory, 'wide') })
  const value = { text: 'x'.repeat(30_000) }
  for (let id = 0; id < 8; id += 1) await wide.append([{ kind: 'audit', value: { id, ...value } }])
  await start(
    async ({ lines }) => {
      sizes.push(lines.length)
      if (lines.length > 4) throw new SendLess()
      if ((asked += 1) === 1) throw new SendLater(0)
      arrived.push(...idsOf(lines))
    },
    { journal: wide },
  )
  await until(() => arrived.length === 8)
  assert.deepEqual(
    arrived,
    Array.from({ length: 8 }, (_, id) => id),
  )
  assert.equal(sizes[0], 8)
  await shipper?.close()
  await wide.close()
})

test('an idle journal still says up to when nothing is missing, and never while something waits', async () => {
  const beats: number[] = []
  await start(
    async ({ lines, completeTo }) => {
      if (lines.length === 0 && completeTo !== undefined) beats.push(completeTo)
    },
    { beatMs: 1 },
  )
  await until(() => beats.length >= 3)
  assert.deepEqual(
    beats,
    beats.toSorted((a, b) => a - b),
  )
})

test('pages that were sent and are old enough go, others stay', async () => {
  for (let id = 0; id < 20; id += 1) await write(id)
  const pages = () => readdirSync(directory).filter((name) => name.endsWith('.ndjson')).length
  const before = pages()
  let arrived = 0
  const keeping = await start(async ({ lines }) => void (arrived += lines.length))
  await until(() => arrived === 20)
  await keeping.close()
  assert.equal(pages(), before)
  await start(async () => {}, { keepMs: -1 })
  await until(() => pages() === 1)
})

test('a mark of a journal that is gone does not hide the one that came in its place', async () => {
  const arrived: number[] = []
  for (let id = 0; id < 20; id += 1) await write(id)
  const first = await start(async () => {})
  await until(async () => (await first.lag()).bytes === 0)
  await first.close()
  await journal.close()
  for (const name of readdirSync(directory)) {
    if (name.endsWith('.ndjson')) rmSync(join(directory, name))
  }
  journal = await Journal.open({ directory })
  await write(77)
  await start(async ({ lines }) => void arrived.push(...idsOf(lines)))
  await until(() => arrived.includes(77))
})

test('a writer that is behind says so, and nothing is called complete that may still come', async () => {
  let handedOverTo: number | undefined
  const said: (number | undefined)[] = []
  const running = await start(async ({ completeTo }) => void said.push(completeTo), {
    handedOverTo: () => handedOverTo,
    beatMs: 5,
  })
  await until(() => said.length > 2)
  assert.ok(said.every((completeTo) => completeTo === undefined))
  handedOverTo = 1_000
  await until(() => said.at(-1) === 1_000)
  assert.equal((await running.lag()).completeTo, 1_000)
})
