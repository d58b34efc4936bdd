import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'

const NAME = /^requests-(\d{4}-\d\d-\d\d)\.ndjson$/
const DAY_MS = 86_400_000
/** How often trouble is told: each batch would have it again. */
const TELL_MS = 60_000

export interface RequestLogDirectoryOptions {
  /** This process' own. */
  readonly directory: string
  /** Days for which files are kept, besides today's. */
  readonly daysKept: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
  /** Told that lines are lost: nobody waits for this log. */
  readonly log: (line: string) => void
}

/**
 * The request log as files, one for each day (UTC) by the time of writing: `requests-2026-11-26.ndjson`.
 * A file that cannot be written costs lines of it and no request.
 */
export class RequestLogDirectory {
  readonly #options: RequestLogDirectoryOptions
  #day = ''
  #file: number | undefined
  #toldAt = -Infinity

  constructor(options: RequestLogDirectoryOptions) {
    this.#options = options
  }

  /** @param lines with line breaks between them, and none at the end */
  write(lines: string): void {
    try {
      const file = this.#fileOf(new Date(this.#now()).toISOString().slice(0, 10))
      const bytes = Buffer.from(`${lines}\n`)
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at)
    } catch (error) {
      // The next batch begins anew.
      this.close()
      if (this.#now() - this.#toldAt < TELL_MS) return
      this.#toldAt = this.#now()
      this.#options.log(`the request log is not written: ${messageOf(error)}`)
    }
  }

  close(): void {
    const file = this.#file
    this.#file = undefined
    this.#day = ''
    if (file !== undefined) closeSync(file)
  }

  #fileOf(day: string): number {
    if (this.#file !== undefined && this.#day === day) return this.#file
    this.close()
    const { directory } = this.#options
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    this.#removeOld()
    const file = openSync(join(directory, `requests-${day}.ndjson`), 'a', 0o600)
    this.#file = file
    this.#day = day
    return file
  }

  #removeOld(): void {
    const { directory, daysKept } = this.#options
    const oldest = new Date(this.#now() - daysKept * DAY_MS).toISOString().slice(0, 10)
    for (const name of readdirSync(directory)) {
      const day = NAME.exec(name)?.[1]
      if (day !== undefined && day < oldest) rmSync(join(directory, name), { force: true })
    }
  }

  #now(): number {
    return this.#options.now?.() ?? Date.now()
  }
}
