import { constants } from 'node:fs'
import { type FileHandle, mkdir, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type Page, pageOf, pagesOf, syncDirectory } from './pages.ts'

const NEWLINE = 0x0a
const TAIL_BYTES = 64 * 1024

/** One page of a journal, open for appending. A failed append leaves no half line behind. */
export class JournalPage {
  readonly page: Page
  /** When this process began to write to it: milliseconds. */
  readonly since: number = Date.now()
  readonly #handle: FileHandle
  #bytes: number

  private constructor(page: Page, handle: FileHandle, bytes: number) {
    this.page = page
    this.#handle = handle
    this.#bytes = bytes
  }

  /** Opens the newest page, or the first, and cuts off a line that a killed process left torn. */
  static async openLast(directory: string): Promise<{ page: JournalPage; bytesCut: number }> {
    await mkdir(directory, { recursive: true, mode: 0o700 })
    const last = (await pagesOf(directory)).at(-1)
    if (last === undefined) {
      return { page: await JournalPage.#make(pageOf(directory, 1)), bytesCut: 0 }
    }
    const handle = await open(last.path, constants.O_RDWR | constants.O_APPEND)
    try {
      const { size } = await handle.stat()
      const whole = await endOfLastLine(handle, size)
      if (whole < size) await handle.truncate(whole)
      // Whole lines of a killed process may not have reached the disk: from now on they may be sent on.
      if (size > 0) await handle.datasync()
      return { page: new JournalPage(last, handle, whole), bytesCut: size - whole }
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  /** The page that comes after this one, empty. */
  async next(): Promise<JournalPage> {
    return JournalPage.#make(pageOf(dirname(this.page.path), this.page.number + 1))
  }

  get bytes(): number {
    return this.#bytes
  }

  /** On return the bytes are on the disk. When it throws, the page is as it was before. */
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

  static async #make(page: Page): Promise<JournalPage> {
    // Not exclusively: an empty file may be left of a try that failed after making it.
    const handle = await open(page.path, 'a', 0o600)
    const { size } = await handle.stat()
    await syncDirectory(dirname(page.path))
    return new JournalPage(page, handle, size)
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
