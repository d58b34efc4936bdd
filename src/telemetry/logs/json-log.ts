import { redactText, redactValue, isClean } from './redact.ts'
import type { TraceContext } from '../../http/trace-context.ts'

/** From the least to the most. */
export const LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type Level = (typeof LEVELS)[number]

/** A line as it was written, for whoever sends it on. */
export interface LogRecord {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly level: Level
  readonly message: string
  readonly tenant: string | undefined
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly fields: Readonly<Record<string, unknown>>
}

export interface JsonLogOptions {
  /** On every line: `plane`, `instance`. */
  readonly fields: Readonly<Record<string, string>>
  /** What is below it is left out. Default `info`. */
  readonly level?: Level
  /** Gets one line of JSON, without its end. */
  readonly write: (line: string) => void
  /** Gets each line besides. Default nobody: then lines that need no change are not even read. */
  readonly record?: (record: LogRecord) => void
  /** The trace that this moment belongs to. Default none. */
  readonly trace?: () => TraceContext | undefined
  readonly now?: () => number
}

const CHARACTERS_MAX = 16 * 1024
/** The beginning of a gateway's own lines, which say their time and no level. */
const TIMED = '{"time":"'

/**
 * Makes each line that a plane says one line of JSON with time, level, plane, and trace, and without
 * what must not be in a log. What comes as JSON keeps its fields; any other text is the field `message`.
 */
export class JsonLog {
  readonly #options: JsonLogOptions
  readonly #least: number
  readonly #prefix: string

  constructor(options: JsonLogOptions) {
    this.#options = options
    this.#least = LEVELS.indexOf(options.level ?? 'info')
    const head = JSON.stringify({ level: 'info', ...options.fields })
    this.#prefix = `${head.slice(0, -1)},`
  }

  /** Takes lines of a plane: several are parted by line breaks. Never throws. */
  readonly log = (text: string): void => {
    for (const line of text.includes('\n') ? text.split('\n') : [text]) {
      const out = this.line(line)
      if (out !== undefined) this.#options.write(out)
    }
  }

  /** The line as it is to be written; undefined when its level is left out, or it is empty. */
  line(text: string): string | undefined {
    if (text.trim() === '') return undefined
    if (this.#options.record === undefined && this.#least <= 1 && isPlain(text)) {
      return this.#prefix + text.slice(1)
    }
    return this.#made(text)
  }

  #made(text: string): string | undefined {
    const { fields, record, trace, now = Date.now } = this.#options
    const said = fieldsOf(text)
    const level = levelOf(said)
    if (LEVELS.indexOf(level) < this.#least) return undefined
    const { time: _time, level: _level, message = '', ...others } = said
    const time = timeOf(said['time']) ?? now()
    const current = trace?.()
    const traces =
      current === undefined || typeof others['trace_id'] === 'string'
        ? {}
        : { trace_id: current.traceId, span_id: current.spanId }
    const all = { ...others, ...traces, ...fields }
    record?.({
      time,
      level,
      message: typeof message === 'string' ? message : '',
      tenant: textOf(others['tenant']),
      traceId: textOf(others['trace_id']) ?? current?.traceId,
      spanId: textOf(others['span_id']) ?? current?.spanId,
      fields: all,
    })
    return JSON.stringify({
      time: new Date(time).toISOString(),
      level,
      ...(message === '' ? {} : { message }),
      ...all,
    })
  }
}

/** One of our own, whole, with nothing in it that has to go. */
function isPlain(text: string): boolean {
  return (
    text.startsWith(TIMED) &&
    text.endsWith('}') &&
    text.length <= CHARACTERS_MAX &&
    !text.includes('"level":') &&
    // What failed is an error.
    !text.includes('"status":5') &&
    isClean(text)
  )
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> {
  if (text.startsWith('{') && text.length <= CHARACTERS_MAX) {
    try {
      const value: unknown = JSON.parse(text)
      if (typeof value === 'object' && value !== null) {
        return redactValue(value) as Readonly<Record<string, unknown>>
      }
    } catch {
      // It only looks like JSON.
    }
  }
  // Cut before it is searched: a long line is not to keep everybody waiting.
  return { message: redactText(text.slice(0, CHARACTERS_MAX)) }
}

function levelOf({ level, status }: Readonly<Record<string, unknown>>): Level {
  const named = LEVELS.find((one) => one === level)
  if (named !== undefined) return named
  return typeof status === 'number' && status >= 500 ? 'error' : 'info'
}

function timeOf(value: unknown): number | undefined {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
