import { messageOf, RingfenceError } from '../core/errors.ts'
import type { JournalEntry } from './journal-entry.ts'
import { JournalFile } from './journal-file.ts'

const BYTES_MAX = 64 * 1024 * 1024
const WAITING_MAX = 10_000

export interface JournalOptions {
  /** Its own directory, made when it is not there. One vending process writes to it at a time. */
  readonly directory: string
  /** Bytes after which the next file is begun. Default 64 MiB. Old files are the operator's to keep. */
  readonly bytesMax?: number
  /** Entries that may wait for the disk; more are refused. Default 10 000. */
  readonly waitingMax?: number
}

interface Waiting {
  readonly line: string
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/**
 * The record of what was vended and refused, on the local disk, because vending works while the
 * control plane's database is away. Entries that come while one write is under way share the next
 * one: a group commit.
 */
export class Journal {
  /** Bytes of a torn last line that opening cut off. */
  readonly bytesCut: number
  readonly #bytesMax: number
  readonly #waitingMax: number
  #file: JournalFile
  #waiting: Waiting[] = []
  #writing: Promise<void> | undefined
  #unwritable: unknown
  #closed = false

  private constructor(file: JournalFile, bytesCut: number, options: JournalOptions) {
    this.#file = file
    this.bytesCut = bytesCut
    this.#bytesMax = options.bytesMax ?? BYTES_MAX
    this.#waitingMax = options.waitingMax ?? WAITING_MAX
  }

  /** @throws RingfenceError `not_writable` */
  static async open(options: JournalOptions): Promise<Journal> {
    try {
      const { file, bytesCut } = await JournalFile.openLast(options.directory)
      const journal = new Journal(file, bytesCut, options)
      if (bytesCut > 0) await journal.append(mendedEntry(bytesCut))
      return journal
    } catch (error) {
      throw notWritable(error)
    }
  }

  /** False from a write that failed to the next that succeeds. */
  get writable(): boolean {
    return !this.#closed && this.#unwritable === undefined
  }

  /**
   * On return the entry is on the disk: an answer that waits for it can be found again after a kill.
   * @throws RingfenceError `not_writable`; `overloaded` when too many entries wait
   */
  append(entry: JournalEntry): Promise<void> {
    if (this.#closed) return Promise.reject(notWritable('it is closed'))
    if (this.#waiting.length >= this.#waitingMax) {
      return Promise.reject(new RingfenceError('overloaded', 'the journal’s disk is too slow'))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ line: `${JSON.stringify(entry)}\n`, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    await this.#file.close()
  }

  async #writeAll(): Promise<void> {
    // Lets everything that is ready to be written now come into one batch.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const batch = this.#waiting
      this.#waiting = []
      try {
        await this.#turnPage()
        await this.#file.append(Buffer.from(batch.map(({ line }) => line).join('')))
        this.#unwritable = undefined
        for (const { resolve } of batch) resolve()
      } catch (error) {
        this.#unwritable = error
        for (const { reject } of batch) reject(notWritable(error))
      }
    }
    this.#writing = undefined
  }

  /** After a failure a new file too: what the old one's pages hold by now, nobody can tell. */
  async #turnPage(): Promise<void> {
    const full = this.#file.bytes >= this.#bytesMax
    if (this.#file.bytes === 0 || (!full && this.#unwritable === undefined)) return
    const next = await this.#file.next()
    await this.#file.close().catch(() => {})
    this.#file = next
  }
}

function mendedEntry(count: number): JournalEntry {
  return {
    at: new Date().toISOString(),
    act: 'mended',
    request_id: '',
    verified: true,
    layer: 'journal',
    reason: 'torn-line',
    count,
  }
}

function notWritable(error: unknown): RingfenceError {
  return new RingfenceError('not_writable', 'the vending journal cannot be written', {
    detail: messageOf(error),
    cause: error,
  })
}
