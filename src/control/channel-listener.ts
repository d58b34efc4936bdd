import pg from 'pg'
import type { Database } from './database.ts'

/** Milliseconds between tries to listen again. */
const AGAIN_MS = 1_000

/** Hears notifications of one channel on a connection of its own, and listens again when it breaks. */
export class ChannelListener {
  readonly #database: Database
  readonly #channel: string
  readonly #waiting = new Map<string, Set<() => void>>()
  #client: pg.Client | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(database: Database, channel: string) {
    this.#database = database
    this.#channel = channel
  }

  async start(): Promise<void> {
    const client = new pg.Client(this.#database.settings)
    this.#client = client
    let lost = false
    const again = () => {
      if (lost || this.#closed) return
      lost = true
      this.#timer = setTimeout(() => void this.start(), AGAIN_MS)
      this.#timer.unref()
    }
    client.on('error', again)
    client.on('end', again)
    client.on('notification', ({ payload }) => this.#tell(payload ?? ''))
    try {
      await client.connect()
      await client.query(`listen ${this.#channel}`)
    } catch {
      again()
    }
  }

  /**
   * Resolves at the next notification with this payload, after `ms`, or when `signal` aborts. The
   * time is for what was missed while the connection was broken.
   */
  next(payload: string, ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', done)
        const waiting = this.#waiting.get(payload)
        waiting?.delete(done)
        if (waiting?.size === 0) this.#waiting.delete(payload)
        resolve()
      }
      const timer = setTimeout(done, ms)
      signal.addEventListener('abort', done)
      const waiting = this.#waiting.get(payload) ?? new Set()
      this.#waiting.set(payload, waiting.add(done))
      if (signal.aborted || this.#closed) done()
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const waiting of [...this.#waiting.values()]) for (const done of [...waiting]) done()
    await this.#client?.end().catch(() => {})
  }

  #tell(payload: string): void {
    for (const done of [...(this.#waiting.get(payload) ?? [])]) done()
  }
}
