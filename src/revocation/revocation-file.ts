import { createHash } from 'node:crypto'
import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { fileTrouble } from '../snapshot/file-trouble.ts'
import { writeWhole } from '../snapshot/write-whole.ts'
import { type Entry, parseEntries, storedEntry } from './entry.ts'

/** What a follower knew, and as of when it was all that there was. */
export interface Remembered {
  readonly entries: readonly Entry[]
  /** Milliseconds since 1970. */
  readonly freshAtMs: number
}

const bodySchema = z.strictObject({ freshAt: z.number(), entries: z.array(z.unknown()) })

/**
 * A follower's memory on disk, as a whole file in place of the one before. An older file that is put
 * in its place is as old as it says: past the limit it is worth nothing, like any knowledge.
 */
export class RevocationFile {
  readonly #directory: string
  readonly #path: string

  constructor(directory: string) {
    this.#directory = directory
    this.#path = join(directory, 'revocations.json')
  }

  /**
   * Undefined when there is none.
   * @throws RingfenceError `revocations_unknown` for one that is damaged, which is put aside
   */
  async read(): Promise<Remembered | undefined> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
      throw fileTrouble(error, this.#directory)
    }
    try {
      return parse(text)
    } catch (error) {
      await rename(this.#path, `${this.#path}.refused`)
      throw new RingfenceError('revocations_unknown', 'the file of revocations is damaged', {
        cause: error,
      })
    }
  }

  /** On return it survives a kill and a power failure. @throws RingfenceError `disk_full`, `not_writable` */
  async write({ entries, freshAtMs }: Remembered): Promise<void> {
    const body = JSON.stringify({ freshAt: freshAtMs, entries: entries.map(storedEntry) })
    try {
      await writeWhole(this.#path, `${digestOf(body)}\n${body}\n`)
    } catch (error) {
      throw fileTrouble(error, this.#directory)
    }
  }
}

function parse(text: string): Remembered {
  const [digest, body = '', end, ...rest] = text.split('\n')
  if (digest !== digestOf(body) || end !== '' || rest.length > 0) throw new TypeError('not whole')
  const { freshAt, entries } = bodySchema.parse(JSON.parse(body))
  return { entries: parseEntries(entries), freshAtMs: freshAt }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
