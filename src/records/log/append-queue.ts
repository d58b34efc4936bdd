import type { AuditEntry } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'

interface Waiting {
  readonly entries: readonly AuditEntry[]
  readonly done: () => void
  readonly failed: (error: unknown) => void
}

/** Entries of one transaction. More of them would hold the logs' locks for too long. */
const BATCH_MAX = 2_000
/** Entries that wait. Beyond it callers are told to come again: what they have is on their disks. */
const WAITING_MAX = 100_000

/**
 * Group commit: while one transaction is written, whoever comes waits for the next, which takes all
 * that have come. Each waits for one transaction and a part of another, however many they are.
 */
export class AppendQueue {
  readonly #write: (entries: readonly AuditEntry[]) => Promise<void>
  #waiting: Waiting[] = []
  #count = 0
  #running: Promise<void> | undefined
  #isClosed = false

  constructor(write: (entries: readonly AuditEntry[]) => Promise<void>) {
    this.#write = write
  }

  /** @throws RingfenceError what `write` throws; `engine_unavailable` when too many wait or it is closed */
  add(entries: readonly AuditEntry[]): Promise<void> {
    if (entries.length === 0) return Promise.resolve()
    if (this.#isClosed || this.#count + entries.length > WAITING_MAX) {
      const why = this.#isClosed ? 'the log store is closed' : 'too many entries wait for the logs'
      return Promise.reject(new RingfenceError('engine_unavailable', why))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ entries, done: resolve, failed: reject })
      this.#count += entries.length
      this.#running ??= this.#run()
    })
  }

  /** Writes what waits and takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#running
  }

  async #run(): Promise<void> {
    // What comes in the same turn is in the first transaction.
    await Promise.resolve()
    for (let batch = this.#take(); batch.length > 0; batch = this.#take()) {
      await this.#enter(batch)
    }
    this.#running = undefined
  }

  async #enter(batch: readonly Waiting[]): Promise<void> {
    try {
      await this.#write(batch.flatMap(({ entries }) => entries))
      for (const { done } of batch) done()
    } catch (error) {
      // What is wrong with one caller's entries, or with a log of theirs, is not another's trouble.
      if (batch.length > 1 && !isOfServer(error)) for (const one of batch) await this.#enter([one])
      else for (const { failed } of batch) failed(error)
    }
  }

  #take(): readonly Waiting[] {
    let [entries, calls] = [0, 0]
    for (const { entries: more } of this.#waiting) {
      if (calls > 0 && entries + more.length > BATCH_MAX) break
      entries += more.length
      calls += 1
    }
    const batch = this.#waiting.slice(0, calls)
    this.#waiting = this.#waiting.slice(calls)
    this.#count -= entries
    return batch
  }
}

const isOfServer = (error: unknown) =>
  error instanceof RingfenceError &&
  (error.code === 'engine_unavailable' || error.code === 'not_writable')
