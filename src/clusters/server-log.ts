import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

const BYTES_MAX = 4 * 2 ** 20
const TAIL_LINES = 40

export interface ServerLog {
  write(line: string): void
  /** Takes every line of a stream. */
  follow(stream: Readable): void
  /** The last lines, for an error's private detail. */
  tail(): string
  close(): void
}

/**
 * A log file, mode 0600, that keeps between 4 and 8 MiB: a full one becomes `<path>.1` and replaces
 * the one before. A log that cannot be written loses lines; it never stops the server.
 */
export function openServerLog(path: string, listener?: (line: string) => void): ServerLog {
  let file: number | undefined = openSync(path, 'a', 0o600)
  let size = fstatSync(file).size
  const tail: string[] = []

  function append(text: string): void {
    if (file === undefined) return
    try {
      if (size > BYTES_MAX) {
        closeSync(file)
        file = undefined
        renameSync(path, `${path}.1`)
        file = openSync(path, 'a', 0o600)
        size = 0
      }
      size += writeSync(file, text)
    } catch {
      // A full disk, most likely; the listener still gets the line.
    }
  }

  function write(line: string): void {
    tail.push(line)
    if (tail.length > TAIL_LINES) tail.shift()
    append(`${line}\n`)
    listener?.(line)
  }

  return {
    write,
    follow: (stream) => createInterface({ input: stream }).on('line', write),
    tail: () => tail.join('\n'),
    close() {
      if (file !== undefined) closeSync(file)
      file = undefined
    },
  }
}
