import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { ExportSink } from '../boundary.ts'
import { type Obligation, take, type Trial, uniqueText, using } from './trial.ts'

/** No single chunk may be larger. Bytes. */
const CHUNK_MAX = 4 * 2 ** 20

export const EXPORT_OBLIGATIONS: readonly Obligation[] = [
  {
    title: "an export is all of the tenant's data and none of another's, and its manifest is true",
    async check(trial) {
      const { alpha, beta, boundary } = trial
      const own = await write(trial, alpha, 40, 100)
      const foreign = await write(trial, beta, 40, 100)
      const sink = new RecordingSink()
      const manifest = await boundary.export(alpha, sink)
      const text = sink.text()
      assert.deepEqual(
        own.filter((one) => !text.includes(one)),
        [],
        'something is missing',
      )
      assert.deepEqual(
        foreign.filter((one) => text.includes(one)),
        [],
        'something is not the tenant’s',
      )
      assert.equal(manifest.tenant, alpha)
      assert.equal(manifest.engine, boundary.engine)
      assert.deepEqual(
        manifest.items.map(({ item, bytes, sha256 }) => ({ item, bytes, sha256 })),
        sink.items(),
      )
      assert.ok(manifest.items.reduce((sum, item) => sum + item.count, 0) >= own.length)
    },
  },
  {
    title: 'an export waits for a slow sink, one bounded chunk at a time',
    async check(trial) {
      const { alpha, boundary } = trial
      const texts = await write(trial, alpha, 300, 20_000)
      const sink = new RecordingSink(() => sleep(5))
      await boundary.export(alpha, sink)
      assert.ok(sink.largest <= CHUNK_MAX, `a chunk of ${sink.largest} bytes`)
      assert.ok(sink.chunks > 2, 'everything came at once')
      const text = sink.text()
      assert.ok(texts.every((one) => text.includes(one)))
    },
  },
  {
    title: 'an export shows one moment while writes go on',
    async check(trial) {
      const { alpha, boundary } = trial
      const before = await write(trial, alpha, 200, 2000)
      const lease = await take(trial, alpha)
      const during: string[] = []
      const done = new AbortController()
      const writing = using(trial, lease, async (session) => {
        while (!done.signal.aborted) {
          const text = uniqueText('during')
          await session.write(text)
          during.push(text)
        }
      })
      const sink = new RecordingSink(() => sleep(20))
      try {
        await boundary.export(alpha, sink)
      } finally {
        done.abort()
        await writing
      }
      const text = sink.text()
      assert.ok(before.every((one) => text.includes(one)))
      const seen = during.map((one) => text.includes(one))
      assert.ok(during.length > 0 && seen.includes(false), 'nothing was written meanwhile')
      // One moment: of texts that were written one after the other, a beginning and no more.
      assert.deepEqual(
        seen,
        seen.toSorted().toReversed(),
        'a later write is there, an earlier is not',
      )
      await boundary.revoke(alpha)
    },
  },
  {
    title: 'an export whose sink fails, fails with it and leaves no credential behind',
    async check(trial) {
      const { alpha, boundary } = trial
      await write(trial, alpha, 1, 10)
      const broken = new RecordingSink(() => Promise.reject(new Error('the disk is full')))
      await assert.rejects(boundary.export(alpha, broken), /the disk is full/)
      const open = (await boundary.leases(alpha)).filter((record) => record.ended_at === undefined)
      assert.deepEqual(open, [])
    },
  },
]

async function write(
  trial: Trial,
  tenant: Trial['alpha'],
  count: number,
  length: number,
): Promise<readonly string[]> {
  const texts = Array.from({ length: count }, () => uniqueText('row').padEnd(length, '.'))
  const lease = await take(trial, tenant)
  await using(trial, lease, async (session) => {
    for (const text of texts) await session.write(text)
  })
  await trial.boundary.revoke(tenant, lease.lease_id)
  return texts
}

/** Keeps what it takes, and refuses to be hurried or used out of order. */
class RecordingSink implements ExportSink {
  readonly #taken = new Map<string, Uint8Array[]>()
  readonly #pause: () => Promise<unknown>
  #current: string | undefined
  #busy = false
  largest = 0
  chunks = 0

  constructor(pause: () => Promise<unknown> = () => Promise.resolve()) {
    this.#pause = pause
  }

  async open(item: string): Promise<void> {
    await this.#alone(async () => {
      assert.equal(this.#current, undefined, 'two items are open')
      assert.ok(!this.#taken.has(item), `${item} was opened twice`)
      this.#current = item
      this.#taken.set(item, [])
    })
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#alone(async () => {
      assert.ok(this.#current !== undefined, 'written outside an item')
      this.#taken.get(this.#current)?.push(Uint8Array.from(chunk))
      this.largest = Math.max(this.largest, chunk.length)
      this.chunks += 1
      await this.#pause()
    })
  }

  async close(item: string): Promise<void> {
    await this.#alone(async () => {
      assert.equal(item, this.#current)
      this.#current = undefined
    })
  }

  items(): readonly { item: string; bytes: number; sha256: string }[] {
    assert.equal(this.#current, undefined, 'an item was left open')
    return [...this.#taken].map(([item, chunks]) => {
      const all = Buffer.concat(chunks)
      return { item, bytes: all.length, sha256: createHash('sha256').update(all).digest('hex') }
    })
  }

  text(): string {
    return [...this.#taken.values()].map((chunks) => Buffer.concat(chunks).toString()).join('\n')
  }

  async #alone(work: () => Promise<void>): Promise<void> {
    assert.ok(!this.#busy, 'the sink was called before it had answered')
    this.#busy = true
    try {
      await work()
    } finally {
      this.#busy = false
    }
  }
}
