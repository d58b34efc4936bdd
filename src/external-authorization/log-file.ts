import { hash } from 'node:crypto'
import { type FileHandle, open, readdir, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const NEWLINE = 0x0a
/** Longer lines are none of ours. */
export const LOG_LINE_BYTES_MAX = 64 * 1024
const NAMES_A_REQUEST = /"id":"[0-9a-f-]{32,36}"/
const COMPRESSED = /\.(?:gz|bz2|xz|zst|lz4|Z)$/

export interface LogFile {
  readonly path: string
  /** Whether it is the one that is written to, by its name. */
  readonly isCurrent: boolean
  /** Milliseconds. */
  readonly changedAt: number
  /** The same while nothing is written to it. */
  readonly state: string
}

/**
 * A log's files, the one that is written to last: `usage.log`, and what rotation has made of it beside it
 * (`usage.log.1`, `usage.log-20261126`). None that was compressed.
 */
export async function logFiles(path: string): Promise<readonly LogFile[]> {
  const [directory, name] = [dirname(path), basename(path)]
  const names = (await readdir(directory)).filter(
    (one) =>
      one === name ||
      ((one.startsWith(`${name}.`) || one.startsWith(`${name}-`)) && !COMPRESSED.test(one)),
  )
  const found = await Promise.all(
    names.map(async (one): Promise<readonly LogFile[]> => {
      const file = join(directory, one)
      const facts = await stat(file).catch(() => undefined)
      // Renamed at this very moment: it is found the next time.
      if (facts?.isFile() !== true) return []
      const { size, mtimeMs, dev, ino } = facts
      const isCurrent = one === name
      const state = [dev, ino, size, mtimeMs].join(' ')
      return [{ path: file, isCurrent, changedAt: mtimeMs, state }]
    }),
  )
  return found
    .flat()
    .sort((a, b) => Number(a.isCurrent) - Number(b.isCurrent) || a.changedAt - b.changedAt)
}

/** An open file of a log. */
export class OpenLogFile {
  readonly #handle: FileHandle

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Undefined for one that is gone. */
  static async open(path: string): Promise<OpenLogFile | undefined> {
    try {
      return new OpenLogFile(await open(path, 'r'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  /**
   * What it is known by: its first line, which names one request. So it is the same under another name
   * and as a copy, and another one when it was emptied and begun anew. Undefined until there is a line.
   */
  async identity(): Promise<string | undefined> {
    const bytes = await this.#bytesAt(0, LOG_LINE_BYTES_MAX)
    const end = bytes.indexOf(NEWLINE)
    if (end < 0 && bytes.length < LOG_LINE_BYTES_MAX) return undefined
    const first = end < 0 ? bytes : bytes.subarray(0, end)
    // What is no line of a request may be in more files than one.
    if (end >= 0 && NAMES_A_REQUEST.test(first.toString('latin1'))) return hash('sha256', first)
    const { dev, ino } = await this.#handle.stat()
    return hash('sha256', Buffer.concat([first, Buffer.from(` ${dev} ${ino}`)]))
  }

  /**
   * Whole lines from a place on, with where they end. Of a line that is too long a piece, as one.
   * `left`: bytes after that which are not a whole line yet, as far as was read.
   */
  async linesFrom(
    place: number,
    bytesMax: number,
  ): Promise<{ readonly lines: readonly string[]; readonly end: number; readonly left: number }> {
    const bytes = await this.#bytesAt(place, Math.max(bytesMax, LOG_LINE_BYTES_MAX))
    const last = bytes.lastIndexOf(NEWLINE)
    if (last < 0 && bytes.length >= LOG_LINE_BYTES_MAX) {
      return { lines: [bytes.toString('latin1')], end: place + bytes.length, left: 0 }
    }
    const text = last <= 0 ? '' : bytes.toString('utf8', 0, last)
    return {
      lines: text === '' ? [] : text.split('\n'),
      end: place + last + 1,
      left: bytes.length - last - 1,
    }
  }

  /** What is after a place, as a text. */
  async restFrom(place: number): Promise<string> {
    return (await this.#bytesAt(place, LOG_LINE_BYTES_MAX)).toString('utf8')
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  async #bytesAt(place: number, most: number): Promise<Buffer> {
    const { size } = await this.#handle.stat()
    const buffer = Buffer.allocUnsafe(Math.min(most, Math.max(0, size - place)))
    let read = 0
    while (read < buffer.length) {
      const { bytesRead } = await this.#handle.read(
        buffer,
        read,
        buffer.length - read,
        place + read,
      )
      if (bytesRead === 0) break
      read += bytesRead
    }
    return buffer.subarray(0, read)
  }
}
