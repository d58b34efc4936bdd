import { type FileHandle, open } from 'node:fs/promises'
import { LINE_BYTES_MAX } from './journal-line.ts'
import { pagesOf } from './pages.ts'
import type { Position } from './position.ts'

const NEWLINE = 0x0a

export interface Reading {
  /** Without their newlines, in order. */
  readonly lines: readonly string[]
  /** Where to go on. */
  readonly position: Position
}

/**
 * Whole lines of a journal from one place up to another, of one page at a time, as far as `bytesMax`
 * goes. An empty answer whose position is `until` says that there is no more. What is no whole line at
 * the end of a page that was left is passed over: nobody was answered for it.
 * @param bytesMax at least `LINE_BYTES_MAX`
 */
export async function readLines(
  directory: string,
  from: Position,
  until: Position,
  bytesMax: number,
): Promise<Reading> {
  const pages = await pagesOf(directory)
  let position = from
  while (position.page <= until.page) {
    const page = pages.find(({ number }) => number >= position.page)
    if (page === undefined || page.number > until.page) return { lines: [], position: until }
    if (page.number > position.page) position = { page: page.number, bytes: 0 }
    const last = page.number === until.page
    const handle = await open(page.path, 'r')
    try {
      const end = last ? until.bytes : (await handle.stat()).size
      const { lines, bytes } = await linesFrom(handle, position.bytes, end, bytesMax)
      if (lines.length > 0) {
        return { lines, position: { page: page.number, bytes: position.bytes + bytes } }
      }
    } finally {
      await handle.close()
    }
    if (last) return { lines: [], position: until }
    position = { page: page.number + 1, bytes: 0 }
  }
  return { lines: [], position: until }
}

async function linesFrom(
  handle: FileHandle,
  start: number,
  end: number,
  bytesMax: number,
): Promise<{ readonly lines: readonly string[]; readonly bytes: number }> {
  const wanted = Math.min(Math.max(bytesMax, LINE_BYTES_MAX), Math.max(0, end - start))
  const buffer = Buffer.allocUnsafe(wanted)
  let read = 0
  while (read < wanted) {
    const { bytesRead } = await handle.read(buffer, read, wanted - read, start + read)
    if (bytesRead === 0) break
    read += bytesRead
  }
  const bytes = buffer.subarray(0, read).lastIndexOf(NEWLINE) + 1
  if (bytes === 0) return { lines: [], bytes: 0 }
  return { lines: buffer.toString('utf8', 0, bytes - 1).split('\n'), bytes }
}
