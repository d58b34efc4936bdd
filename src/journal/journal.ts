import { stat, unlink } from 'node:fs/promises'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { type JournalLine, lineText } from './journal-line.ts'
import { JournalPage } from './journal-page.ts'
import { pagesOf, syncDirectory } from './pages.ts'
import type { Position } from './position.ts'

const PAGE_BYTES_MAX = 64 * 1024 * 1024
const PAGE_MS_MAX = 24 * 3_600_000
const WAITING_MAX = 10_000
const TRY_AGAIN_MS = 1_000

export interface JournalOptions {
  /** Its own directory, made when it is not there. One process writes to it at a time. */
  readonly directory: string
  /** Bytes after which the next page is begun. Default 64 MiB. */
  readonly bytesMax?: number
  /** Lines that may wait for the disk; more are refused. Default 10 000. */
  readonly waitingMax?: number
  /** Bytes of all pages together; beyond them lines are refused. Default: as the disk has room. */
  readonly keptBytesMax?: number
  /** After a write that failed: milliseconds between tries of its own. Default 1 000. */
  readonly tryAgainMs?: number
}

interface Waiting {
  readonly text: string
  readonly lines: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * What a process writes down on its own disk before it answers, because it works while others are
 * away. Lines that come while one write is under way share the next one: a group commit.
 */
export class Journal {
  readonly directory: string
  /** Bytes of a torn last line that opening cut off. */
  readonly bytesCut: number
  readonly #options: Required<JournalOptions>
  #page: JournalPage
  /** In pages before the one that is written to. */
  #bytesBefore: number
  #waiting: Waiting[] = []
  #lines = 0
  /** Since when something waits or is being written: milliseconds. */
  #unsettledSince: number | undefined
  #writing: Promise<void> | undefined
  #unwritable: unknown
  #trying: NodeJS.Timeout | undefined
  #closed = false
  readonly #listeners = new Set<() => void>()

  private constructor(
    page: JournalPage,
    bytesCut: number,
    bytesBefore: number,
    options: JournalOptions,
  ) {
    this.directory = options.directory
    this.bytesCut = bytesCut
    this.#page = page
    this.#bytesBefore = bytesBefore
    this.#options = {
      bytesMax: PAGE_BYTES_MAX,
      waitingMax: WAITING_MAX,
      keptBytesMax: Number.POSITIVE_INFINITY,
      tryAgainMs: TRY_AGAIN_MS,
      ...options,
    }
  }

  /** @throws RingfenceError `not_writable` */
  static async open(options: JournalOptions): Promise<Journal> {
    try {
      const { page, bytesCut } = await JournalPage.openLast(options.directory)
      const before = await bytesOf(options.directory, page.page.number)
      const journal = new Journal(page, bytesCut, before, options)
      if (bytesCut > 0) await journal.append([mendedLine(bytesCut)])
      return journal
    } catch (error) {
      throw notWritable(error)
    }
  }

  /** False from a write that failed to the next that succeeds. It tries by itself, also when nobody asks. */
  get writable(): boolean {
    return !this.#closed && this.#unwritable === undefined
  }

  /**
   * What is on the disk ends at `end`; and no line that was handed over before `completeTo`
   * (milliseconds) will come after it.
   */
  settled(): { readonly end: Position; readonly completeTo: number } {
    return {
      end: { page: this.#page.page.number, bytes: this.#page.bytes },
      completeTo: this.#unsettledSince ?? Date.now(),
    }
  }

  /** How full it is, in bytes, and how many lines wait to be written. */
  get load(): { readonly used: number; readonly limit: number; readonly waiting: number } {
    const used = this.#bytesBefore + this.#page.bytes
    return { used, limit: this.#options.keptBytesMax, waiting: this.#lines }
  }

  /** Tells of each write that succeeded. @returns what ends it */
  onWritten(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * On return the lines are on the disk, all of them; when it throws, none counts. An answer that waits
   * for it can be found again after a kill. Lines keep their order.
   * @throws RingfenceError `not_writable`; `overloaded` when too many wait or are kept; `too_large`
   */
  append(lines: readonly JournalLine[]): Promise<void> {
    if (this.#closed) return Promise.reject(notWritable('it is closed'))
    if (this.#lines + lines.length > this.#options.waitingMax) return refused('is too slow')
    if (this.#bytesBefore + this.#page.bytes >= this.#options.keptBytesMax)
      return refused('is full')
    let text = ''
    try {
      for (const line of lines) text += lineText(line)
    } catch (error) {
      return Promise.reject(error)
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ text, lines: lines.length, resolve, reject })
      this.#lines += lines.length
      this.#unsettledSince ??= Date.now()
      this.#writing ??= this.#writeAll()
    })
  }

  /** Removes pages before a place that are older than so many milliseconds. @returns how many */
  async forget(before: Position, olderThanMs: number): Promise<number> {
    const until = Math.min(before.page, this.#page.page.number)
    let gone = 0
    for (const page of await pagesOf(this.directory)) {
      if (page.number >= until) break
      const { mtimeMs, size } = await stat(page.path)
      if (mtimeMs > Date.now() - olderThanMs) break
      await unlink(page.path)
      this.#bytesBefore -= size
      gone += 1
    }
    if (gone > 0) await syncDirectory(this.directory)
    return gone
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#trying)
    await this.#writing
    await this.#page.close()
  }

  async #writeAll(): Promise<void> {
    // Lets everything that is ready to be written now come into one batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      const begun = Date.now()
      this.#waiting = []
      this.#lines = 0
      try {
        await this.#turnPage()
        await this.#page.append(Buffer.from(batch.map(({ text }) => text).join('')))
        this.#unwritable = undefined
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#unwritable = error
        this.#tryAgain()
        for (const { reject } of batch) reject(notWritable(error))
      }
      // What waits by now came after this batch was begun.
      this.#unsettledSince = this.#waiting.length > 0 ? begun : undefined
      for (const listener of this.#listeners) listener()
    }
    this.#writing = undefined
  }

  /** Whoever is sent nothing while it cannot write would otherwise never find that it can again. */
  #tryAgain(): void {
    if (this.#closed || this.#trying !== undefined) return
    this.#trying = setTimeout(() => {
      this.#trying = undefined
      if (this.writable) return
      this.append([mendedLine(0)]).catch(() => this.#tryAgain())
    }, this.#options.tryAgainMs).unref()
  }

  /** After a failure a new page too: what the old one holds by now, nobody can tell. */
  async #turnPage(): Promise<void> {
    const { bytes, since } = this.#page
    const full = bytes >= this.#options.bytesMax || since < Date.now() - PAGE_MS_MAX
    if (bytes === 0 || (!full && this.#unwritable === undefined)) return
    const next = await this.#page.next()
    await this.#page.close().catch(() => {})
    this.#bytesBefore += bytes
    this.#page = next
  }
}

async function bytesOf(directory: string, before: number): Promise<number> {
  const pages = (await pagesOf(directory)).filter(({ number }) => number < before)
  const sizes = await Promise.all(pages.map(async ({ path }) => (await stat(path)).size))
  return sizes.reduce((sum, size) => sum + size, 0)
}

const mendedLine = (bytes: number): JournalLine => ({
  kind: 'mended',
  value: { at: new Date().toISOString(), bytes },
})

function refused(why: string): Promise<never> {
  return Promise.reject(new RingfenceError('overloaded', `the journal’s disk ${why}`))
}

function notWritable(error: unknown): RingfenceError {
  return new RingfenceError('not_writable', 'the journal cannot be written', {
    detail: messageOf(error),
    cause: error,
  })
}
