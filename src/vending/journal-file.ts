import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

const NAME = /^vending-(\d{8})\.ndjson$/
const NEWLINE = 0x0a
const TAIL_BYTES = 64 * 1024

/** The journal's files in the order in which they were written. */
export async function journalFiles(directory: string): Promise<readonly string[]> {
  const names = (await readdir(directory)).filter((name) => NAME.test(name)).sort()
  return names.map((name) => join(directory, name))
}

/** One file of the journal, open for appending. A failed append leaves no half line behind. */
export class JournalFile {
  readonly path: string
  readonly #handle: FileHandle
  #bytes: number

  private constructor(path: string, handle: FileHandle, bytes: number) {
    this.path = path
    this.#handle = handle
    this.#bytes = bytes
  }

  /** Opens the newest file, or the first, and cuts off a line that a killed process left torn. */
  static async openLast(directory: string): Promise<{ file: JournalFile; bytesCut: number }> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const last = (await journalFiles(directory)).at(-1)
    if (last === undefined) return { file: await JournalFile.#make(directory, 1), bytesCut: 0 }
    const handle = await open(last, constants.O_RDWR | constants.O_APPEND)
    try {
      const { size } = await handle.stat()
      const whole = await endOfLastLine(handle, size)
      if (whole < size) {
        await handle.truncate(whole)
        await handle.datasync()
      }
      return { file: new JournalFile(last, handle, whole), bytesCut: size - whole }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The file that comes after this one, empty. */
  async next(): Promise<JournalFile> {
    const number = Number(NAME.exec(basename(this.path))?.[1])
    return JournalFile.#make(dirname(this.path), number + 1)
  }

  get bytes(): number {
    return this.#bytes
  }

  /** On return the bytes are on the disk. When it throws, the file is as it was before. */
  async append(bytes: Uint8Array): Promise<void> {
    try {
      for (let done = 0; done < bytes.length; ) {
        done += (await this.#handle.write(bytes, done)).bytesWritten
      }
      await this.#handle.datasync()
    } catch (error) {
      await this.#handle.truncate(this.#bytes)
      throw error
    }
    this.#bytes += bytes.length
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  static async #make(directory: string, number: number): Promise<JournalFile> {
    const path = join(directory, `vending-${String(number).padStart(8, '0')}.ndjson`)
    // Not exclusively: an empty file may be left of a try that failed after making it.
    const handle = await open(path, 'a', 0o600)
    const { size } = await handle.stat()
    // The name itself must survive a crash too.
    const parent = await open(directory, constants.O_RDONLY | constants.O_DIRECTORY)
    try {
      await parent.sync()
    } finally {
      await parent.close()
    }
    return new JournalFile(path, handle, size)
  }
}

/** Where the last complete line ends. */
async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const buffer = Buffer.alloc(TAIL_BYTES)
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - TAIL_BYTES)
    const { bytesRead } = await handle.read(buffer, 0, end - start, start)
    const newline = buffer.subarray(0, bytesRead).lastIndexOf(NEWLINE)
    if (newline >= 0) return start + newline + 1
    end = start
  }
  return 0
}
