import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeySet } from '../tokens/verify-token.ts'
import { readLines } from './read-lines.ts'
import { RecordReader } from './record-reader.ts'
import { refused } from './seal.ts'
import type { SnapshotState } from './state.ts'
import { putInPlace } from './write-whole.ts'

/** A base as it is stored: its signed text, and its parts one after another. */
export interface StoredBase {
  readonly text: string
  parts(): AsyncIterable<string>
}

interface Entry {
  readonly version: number
  readonly hash: string
  /** Where the entry ends in the file. */
  readonly end: number
}

/**
 * A chain of records on disk, a line each: a base with its parts, or the first version, then changes.
 * Changes are appended; a whole new file takes the old one's place now and then.
 */
export class SnapshotFile {
  readonly #path: string
  #file: FileHandle | undefined
  #first = 0
  #startBytes = 0
  #entries: Entry[] = []

  private constructor(path: string) {
    this.#path = path
  }

  /**
   * Opens the file of a directory and verifies all of it. A torn last line is what a killed process
   * left, and is cut off. Anything else that is wrong puts the file aside as `snapshot.refused`.
   */
  static async open(
    directory: string,
    keys: KeySet,
  ): Promise<{ file: SnapshotFile; state?: SnapshotState; refusal?: unknown }> {
    const path = join(directory, 'snapshot.log')
    const file = new SnapshotFile(path)
    if (!(await exists(path))) return { file }
    try {
      const state = await file.#load(keys)
      return state === undefined ? { file } : { file, state }
    } catch (error) {
      if (isTrouble(error)) throw error
      await rename(path, join(directory, 'snapshot.refused'))
      return { file: new SnapshotFile(path), refusal: error }
    }
  }

  async #load(keys: KeySet): Promise<SnapshotState | undefined> {
    const reader = new RecordReader(keys)
    let end = 0
    for await (const line of readLines(this.#path)) {
      // Only an append can be torn: what begins a file is put in place whole.
      if (!line.whole && reader.complete) break
      await reader.take(line.text)
      end = line.end
      if (!reader.complete || reader.state === undefined) continue
      if (this.#first === 0) this.#begin(reader.state, end)
      else this.#entries.push({ version: reader.state.version, hash: reader.state.hash, end })
    }
    if (!reader.complete) throw refused('the file ends in the middle of its base')
    if (reader.state === undefined) return undefined
    this.#file = await open(this.#path, 'r+')
    await this.#file.truncate(end)
    return reader.state
  }

  #begin(state: SnapshotState, end: number): void {
    this.#first = state.version
    this.#startBytes = end
    this.#entries = [{ version: state.version, hash: state.hash, end }]
  }

  /** Version with which the file begins; 0 when it is empty. */
  get first(): number {
    return this.#first
  }

  get #end(): number {
    return this.#entries.at(-1)?.end ?? 0
  }

  /** Bytes of changes, against those of what the file begins with. */
  get growth(): { readonly changes: number; readonly bytes: number; readonly startBytes: number } {
    return {
      changes: this.#entries.length,
      bytes: this.#end - this.#startBytes,
      startBytes: this.#startBytes,
    }
  }

  /** Hash of the change of a version, if it is in the file. */
  hashAt(version: number): string | undefined {
    return this.#entries[version - this.#first]?.hash
  }

  /** On return the changes survive a kill and a power failure. They follow what is there. */
  async append(changes: readonly { version: number; hash: string; text: string }[]): Promise<void> {
    this.#file ??= await open(this.#path, 'w', 0o600)
    const entries: Entry[] = []
    let end = this.#end
    for (const { version, hash, text } of changes) {
      end += Buffer.byteLength(text) + 1
      entries.push({ version, hash, end })
    }
    // At its place, not at the end: what an append that failed left behind is written over.
    await this.#file.truncate(this.#end)
    await writeAll(this.#file, `${changes.map(({ text }) => text).join('\n')}\n`, this.#end)
    await this.#file.datasync()
    this.#first ||= changes[0]?.version ?? 0
    this.#entries.push(...entries)
  }

  /**
   * Writes a base beside the file. `finish` appends the changes that the file has after the base and
   * puts the new file in the old one's place; what `append` writes between the two is not lost.
   */
  async prepareBase(base: StoredBase): Promise<{
    finish(version: number, hash: string, keep: boolean): Promise<void>
  }> {
    const draft = `${this.#path}.new`
    const next = await open(draft, 'w', 0o600)
    let end = 0
    const line = async (text: string) => {
      await writeAll(next, `${text}\n`, end)
      end += Buffer.byteLength(text) + 1
    }
    try {
      await line(base.text)
      for await (const part of base.parts()) await line(part)
      await next.sync()
    } catch (error) {
      await next.close()
      throw error
    }
    return {
      finish: async (version, hash, keep) => {
        const kept = keep ? this.#entries.filter((entry) => entry.version > version) : []
        const from = this.#entries[version - this.#first]?.end ?? this.#end
        const shift = end - from
        try {
          if (kept.length > 0) await copy(this.#path, from, this.#end, next, end)
          await next.sync()
          await putInPlace(draft, this.#path)
        } catch (error) {
          await next.close()
          throw error
        }
        await this.#file?.close()
        this.#file = next
        this.#first = version
        this.#startBytes = end
        this.#entries = [
          { version, hash, end },
          ...kept.map((entry) => ({ ...entry, end: entry.end + shift })),
        ]
      },
    }
  }

  async close(): Promise<void> {
    await this.#file?.close()
    this.#file = undefined
  }
}

async function copy(path: string, from: number, to: number, into: FileHandle, at: number) {
  let end = at
  for await (const data of createReadStream(path, { start: from, end: to - 1 })) {
    const chunk = data as Buffer
    await writeAll(into, chunk, end)
    end += chunk.length
  }
}

async function writeAll(file: FileHandle, data: string | Buffer, at: number): Promise<void> {
  const bytes = typeof data === 'string' ? Buffer.from(data) : data
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    ({ size }) => size > 0,
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return false
      throw error
    },
  )
}

/** The machine's trouble with the file, which says nothing about what is in it. */
function isTrouble(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}
