import { Alarm } from '../core/alarm.ts'
import { messageOf } from '../core/errors.ts'
import type { UsageEvent, UsageSink } from '../usage/usage-event.ts'
import { type LogFile, logFiles, OpenLogFile } from './log-file.ts'
import { LogMark } from './log-mark.ts'
import { readProxyLine } from './proxy-line.ts'
import { type BrokenLine, SetAside } from './set-aside.ts'
import type { UsageSeal } from './usage-seal.ts'

const EVERY_MS = 500
const BATCH_BYTES = 512 * 1024
/** Envoy writes its log out every ten seconds. */
const WRITTEN_OUT_MS = 15_000
/** After so long nobody adds to a file that was put aside by rotation. */
const LEFT_MS = 60_000
/** What is older belongs to bills that are closed for good. */
const OLD_MS = 35 * 24 * 3_600_000
/** Behind for so long is told. */
const BEHIND_MS = 60_000

export interface AccessLogReaderOptions {
  /** What the proxy is called, in logs. */
  readonly proxy: string
  /** The log that it writes; rotated files of it are beside it. */
  readonly file: string
  /** Its own, for how far it has read, and for lines that are broken. */
  readonly directory: string
  /** Who reports what was used: the same whoever reads the log, so that nothing counts twice. */
  readonly source: string
  readonly seal: UsageSeal
  /** On its return events survive this process. */
  readonly sink: UsageSink
  /** Gets lines as a gateway's request log has them, with the day that they are of, before the sink. */
  readonly logged?: (at: Date, lines: string) => void
  readonly log: (line: string) => void
  /** Between two looks at the files. Milliseconds. */
  readonly everyMs?: number
  /** How long a line may wait to be written out. Milliseconds. */
  readonly writtenOutMs?: number
}

export interface LogLag {
  /** Up to when all that the proxy carried was handed over: milliseconds. Undefined: that is not known. */
  readonly readTo: number | undefined
  /** What the last look ended with, while looks fail. */
  readonly trouble: string | undefined
}

/**
 * Reads what a proxy writes of the requests that it carries, and hands it over as usage. It remembers how
 * far it has read after what it read is safe: killed at any place, it reads some of it again, and the
 * same line is the same event. Rotation by renaming, and by copying and emptying, is followed.
 */
export class AccessLogReader {
  readonly #options: AccessLogReaderOptions
  readonly #mark: LogMark
  readonly #aside: SetAside
  /** Files that were read to their end, as they were then. */
  #done = new Set<string>()
  #readTo: number | undefined
  #trouble: string | undefined
  #caughtUpAt = Date.now()
  #isBehind = false
  /** The file that the process before this one has read last, until it was looked for. */
  #readBefore: string | undefined
  #isClosed = false
  readonly #alarm = new Alarm()
  readonly #running: Promise<void>

  private constructor(options: AccessLogReaderOptions, mark: LogMark) {
    this.#options = options
    this.#mark = mark
    this.#readBefore = mark.newest
    this.#aside = new SetAside(options.directory)
    this.#running = this.#run()
  }

  /** Begins to read. @throws when its own directory cannot be made */
  static async open(options: AccessLogReaderOptions): Promise<AccessLogReader> {
    return new AccessLogReader(options, await LogMark.open(options.directory))
  }

  get lag(): LogLag {
    return { readTo: this.#readTo, trouble: this.#trouble }
  }

  /** Ends after what is under way. Before the sink is closed. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#alarm.ring()
    await this.#running
  }

  async #run(): Promise<void> {
    const { everyMs = EVERY_MS, writtenOutMs = WRITTEN_OUT_MS } = this.#options
    while (!this.#isClosed) {
      const begun = Date.now()
      try {
        const isWhole = await this.#look()
        if (isWhole) {
          this.#readTo = begun - writtenOutMs
          this.#caughtUpAt = begun
        }
        this.#tellTrouble(undefined)
      } catch (error) {
        this.#tellTrouble(messageOf(error))
      }
      this.#tellLag()
      await this.#alarm.wait(everyMs)
    }
  }

  /** @returns false when it was broken off */
  async #look(): Promise<boolean> {
    const files = await logFiles(this.#options.file)
    // A proxy makes it when it begins: without it nobody can tell what was used.
    if (files.length === 0) throw new Error('there is no such log')
    const seen = new Set<string>()
    const done = new Set<string>()
    for (const file of files) {
      if (this.#done.has(file.state)) done.add(file.state)
      else if (file.changedAt > Date.now() - OLD_MS) await this.#read(file, seen, done)
    }
    if (this.#isClosed) return false
    this.#done = done
    this.#tellGap(seen)
    return true
  }

  async #read(file: LogFile, seen: Set<string>, done: Set<string>): Promise<void> {
    const open = await OpenLogFile.open(file.path)
    if (open === undefined) return
    try {
      const identity = await open.identity()
      if (identity === undefined) return
      seen.add(identity)
      while (!this.#isClosed) {
        const from = this.#mark.placeIn(identity)
        const { lines, end, left } = await open.linesFrom(from, BATCH_BYTES)
        if (lines.length > 0) await this.#handOver(file.path, lines)
        if (end > from) await this.#mark.move(identity, end)
        if (end > from) continue
        // What is no line at the end of a file that nobody writes to will never be one.
        if (left > 0 && !file.isCurrent && file.changedAt < Date.now() - LEFT_MS) {
          await this.#setAside(file.path, [
            { line: await open.restFrom(end), why: 'it has no end' },
          ])
          await this.#mark.move(identity, end + left)
        }
        // As it was before it was read: what came since is read the next time.
        if (left === 0) done.add(file.state)
        return
      }
    } finally {
      await open.close()
    }
  }

  async #handOver(path: string, lines: readonly string[]): Promise<void> {
    const { source, seal, sink, logged } = this.#options
    const events: UsageEvent[] = []
    const broken: BrokenLine[] = []
    const byDay = new Map<string, string[]>()
    for (const line of lines) {
      const read = readProxyLine(line, source, seal)
      if (typeof read === 'string') {
        broken.push({ line, why: read })
        continue
      }
      events.push(read.event)
      const day = read.event.time.slice(0, 10)
      const ofDay = byDay.get(day) ?? []
      byDay.set(day, ofDay)
      ofDay.push(read.logged)
    }
    await this.#setAside(path, broken)
    for (const [day, ofDay] of byDay) logged?.(new Date(day), ofDay.join('\n'))
    if (events.length > 0) await sink.write(events)
  }

  async #setAside(path: string, broken: readonly BrokenLine[]): Promise<void> {
    const [first] = broken
    if (first === undefined) return
    await this.#aside.add(path, broken)
    this.#tell('warn', 'set-aside', { lines: broken.length, why: first.why })
  }

  /** What was rotated away, and compressed or removed, while nobody read. */
  #tellGap(seen: ReadonlySet<string>): void {
    if (this.#readBefore !== undefined && !seen.has(this.#readBefore)) {
      this.#tell('warn', 'file-gone', { why: 'what was added to it since is in no meter' })
    }
    this.#readBefore = undefined
  }

  #tellTrouble(trouble: string | undefined): void {
    if (trouble !== undefined && trouble !== this.#trouble) {
      this.#tell('warn', 'not-read', { why: trouble })
    }
    if (trouble === undefined && this.#trouble !== undefined) this.#tell('info', 'read-again', {})
    this.#trouble = trouble
  }

  #tellLag(): void {
    const isBehind = this.#caughtUpAt < Date.now() - BEHIND_MS
    if (isBehind && !this.#isBehind)
      this.#tell('warn', 'behind', { since: new Date(this.#caughtUpAt) })
    if (!isBehind && this.#isBehind) this.#tell('info', 'caught-up', {})
    this.#isBehind = isBehind
  }

  #tell(level: 'info' | 'warn', event: string, more: object): void {
    const { proxy, file, log } = this.#options
    log(JSON.stringify({ level, event: `proxy-log-${event}`, proxy, file, ...more }))
  }
}
