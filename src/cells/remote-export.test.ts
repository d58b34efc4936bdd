import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import type { ExportSink } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type CellHost, hostCell } from './cell-host.ts'
import { encodeFrame, FRAME_KINDS, type Frame, readFrames } from './frames.ts'
import { memoryBoundary, type MemoryBoundary } from './memory-boundary.test-support.ts'
import { remoteExport } from './remote-export.ts'

const ACME = parseTenantId('acme')
let directory: string
let memory: MemoryBoundary
let host: CellHost

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'rf-host-'))
  memory = memoryBoundary()
  const [keeper, leaser] = [join(directory, 'keeper'), join(directory, 'leaser')]
  host = await hostCell({ boundary: memory.boundary, keeper, leaser })
})
after(async () => {
  await host?.close()
  await rm(directory, { recursive: true, force: true })
})
afterEach(() => {
  memory.fail = undefined
  memory.exports = new Map()
})

class Taken implements ExportSink {
  readonly items = new Map<string, Uint8Array[]>()
  largest = 0
  #current: string | undefined
  readonly #pause: () => Promise<unknown>

  constructor(pause: () => Promise<unknown> = () => Promise.resolve()) {
    this.#pause = pause
  }

  async open(item: string): Promise<void> {
    assert.equal(this.#current, undefined)
    this.#current = item
    this.items.set(item, [])
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.items.get(this.#current ?? '')?.push(Uint8Array.from(chunk))
    this.largest = Math.max(this.largest, chunk.length)
    await this.#pause()
  }

  async close(item: string): Promise<void> {
    assert.equal(item, this.#current)
    this.#current = undefined
  }
}

test('an export arrives byte for byte, with the manifest of what was sent', async () => {
  const bytes = fc.uint8Array({ maxLength: 700_000 })
  const items = fc.dictionary(
    fc.string({ minLength: 1, maxLength: 20 }),
    fc.array(bytes, { maxLength: 4 }),
    {
      maxKeys: 4,
    },
  )
  await fc.assert(
    fc.asyncProperty(items, async (exports) => {
      memory.exports = new Map(Object.entries(exports))
      const taken = new Taken()
      const manifest = await remoteExport(host.keeper, ACME, taken)
      assert.deepEqual(manifest, await memory.boundary.export(ACME, new Taken()))
      for (const [item, chunks] of Object.entries(exports)) {
        const got = Buffer.concat(taken.items.get(item) ?? [])
        assert.ok(got.equals(Buffer.concat(chunks)), item)
      }
      assert.equal(taken.items.size, memory.exports.size)
    }),
    { numRuns: 25 },
  )
})

test('a slow sink holds the engine back: no more is on its way than a few chunks', async () => {
  const chunk = randomBytes(200_000)
  let given = 0
  const chunks = (function* () {
    for (let n = 0; n < 100; n += 1) {
      given += 1
      yield chunk
    }
  })()
  memory.exports = new Map([['big', chunks]])
  let written = 0
  let furthest = 0
  const sink = new Taken(async () => {
    written += 1
    furthest = Math.max(furthest, given - written)
    await sleep(written < 20 ? 20 : 0)
  })
  await remoteExport(host.keeper, ACME, sink)
  assert.equal(written, 100)
  assert.ok(furthest < 20, `${furthest} chunks were ahead of the sink`)
})

test('an export whose sink fails, fails with that, and the engine’s export ends too', async () => {
  memory.exports = new Map([['big', Array.from({ length: 200 }, () => randomBytes(100_000))]])
  const broken = new Taken(() => Promise.reject(new Error('the disk is full')))
  await assert.rejects(remoteExport(host.keeper, ACME, broken), /^Error: the disk is full$/)
  assert.notEqual(memory.calls.at(-1), 'exported')
})

test('an export that the engine refuses or breaks off says why', async () => {
  memory.fail = new RingfenceError('tenant_unknown', 'no such active tenant')
  await assert.rejects(remoteExport(host.keeper, ACME, new Taken()), {
    code: 'tenant_unknown',
    message: 'no such active tenant',
  })
  memory.fail = undefined
  const chunks = (function* () {
    yield randomBytes(10)
    memory.fail = new RingfenceError('timed_out', 'too slow')
  })()
  memory.exports = new Map([['one', chunks]])
  await assert.rejects(remoteExport(host.keeper, ACME, new Taken()), { code: 'timed_out' })
})

test('an export that was cut off or changed on its way is never taken for a whole one', async () => {
  const manifest = JSON.stringify({
    tenant: 'acme',
    engine: 'memory',
    exportedAt: '2026-11-21T09:00:00.000Z',
    items: [{ item: 'one', count: 1, bytes: 4, sha256: 'f'.repeat(64) }],
  })
  const whole = Buffer.concat([
    encodeFrame('o', 'one'),
    encodeFrame('d', 'data'),
    encodeFrame('c', 'one'),
    encodeFrame('m', manifest),
  ])
  let answer = whole
  const path = join(directory, 'liar')
  const liar = createServer((_, response) => response.end(answer))
  await new Promise<void>((resolve) => liar.listen(path, resolve))
  try {
    await assert.rejects(remoteExport(`unix:${path}`, ACME, new Taken()), {
      code: 'internal',
      message: 'the export did not arrive as it was sent',
    })
    for (let length = 0; length < whole.length; length += 7) {
      answer = whole.subarray(0, length)
      await assert.rejects(remoteExport(`unix:${path}`, ACME, new Taken()), {
        code: 'engine_unavailable',
      })
    }
  } finally {
    liar.closeAllConnections()
    await new Promise((resolve) => liar.close(resolve))
  }
})

test('frames are read the same however the bytes are cut', async () => {
  const frame = fc.record({ kind: fc.constantFrom(...FRAME_KINDS), bytes: fc.uint8Array() })
  const cuts = fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(fc.array(frame), cuts, async (frames, sizes) => {
      const all = Buffer.concat(frames.map(({ kind, bytes }) => encodeFrame(kind, bytes)))
      async function* pieces() {
        for (let from = 0, n = 0; from < all.length; n += 1) {
          const size = sizes[n % sizes.length] ?? 1
          yield all.subarray(from, from + size)
          from += size
        }
      }
      const read: Frame[] = []
      for await (const one of readFrames(pieces())) {
        read.push({ kind: one.kind, bytes: Uint8Array.from(one.bytes) })
      }
      assert.deepEqual(
        read,
        frames.map(({ kind, bytes }) => ({ kind, bytes: Uint8Array.from(bytes) })),
      )
    }),
  )
})
