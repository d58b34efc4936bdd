import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeWhole } from '../snapshot/write-whole.ts'

/** Of how many files it is known how far they were read; those that were read last. */
const FILES_MAX = 1_000

const markSchema = z.array(z.tuple([z.string(), z.int().min(0)]))

/** How far each file of a log was read: a small file, changed as a whole. */
export class LogMark {
  readonly #path: string
  readonly #places: Map<string, number>

  private constructor(path: string, places: Map<string, number>) {
    this.#path = path
    this.#places = places
  }

  /** One that is not there, or cannot be read, knows nothing: what was read is then read again. */
  static async open(directory: string): Promise<LogMark> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const path = join(directory, 'read.json')
    const places = await readFile(path, 'utf8')
      .then((text) => markSchema.parse(JSON.parse(text)))
      .catch(() => [])
    return new LogMark(path, new Map(places))
  }

  /** The file that was read last; undefined when none was. */
  get newest(): string | undefined {
    return [...this.#places.keys()].at(-1)
  }

  placeIn(identity: string): number {
    return this.#places.get(identity) ?? 0
  }

  /** On return a process that is killed goes on from here. */
  async move(identity: string, place: number): Promise<void> {
    this.#places.delete(identity)
    this.#places.set(identity, place)
    const oldest = this.#places.keys().next()
    if (this.#places.size > FILES_MAX && !oldest.done) this.#places.delete(oldest.value)
    await writeWhole(this.#path, JSON.stringify([...this.#places]))
  }
}
