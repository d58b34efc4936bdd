import { Transform, type TransformCallback } from 'node:stream'
import { RingfenceError } from '../core/errors.ts'
import { EventsRewriter } from './events-rewriter.ts'
import { FormRewriter } from './form-rewriter.ts'
import { JsonRewriter } from './json-rewriter.ts'
import { LinesRewriter } from './lines-rewriter.ts'
import { type Format, refusalOf } from './message.ts'
import { type Rewriter, Unreadable } from './rewriter.ts'
import { TextWindow } from './text-window.ts'
import type { Verdict } from './verdict.ts'

const REWRITERS: Readonly<Record<Format, new (verdict: Verdict) => Rewriter>> = {
  json: JsonRewriter,
  form: FormRewriter,
  text: TextWindow,
  events: EventsRewriter,
  lines: LinesRewriter,
}
/**
 * Bytes that wait until all of a body was looked at, where something is blocked: what is shorter is
 * refused whole, and nobody has seen a byte of it.
 */
const HELD_BYTES = 65_536

/** Looks at a body as it passes. Its stream ends with a refusal. */
export class Inspection extends Transform {
  readonly #verdict: Verdict
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  #rewriter: Rewriter | undefined
  readonly #held: Buffer[] = []
  #heldBytes = 0
  #holds: boolean
  #isFirst = true

  constructor(format: Format, verdict: Verdict) {
    super()
    this.#verdict = verdict
    this.#rewriter = new REWRITERS[format](verdict)
    // Events and lines are each whole, and somebody waits for them.
    this.#holds = verdict.rules.blocks && format !== 'events' && format !== 'lines'
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#step(chunk, done, () => {
      const text = this.#text(this.#decoder.decode(chunk, { stream: true }))
      return this.#rewriter?.push(text) ?? ''
    })
  }

  override _flush(done: TransformCallback): void {
    this.#step(undefined, done, () => {
      const text = this.#text(this.#decoder.decode())
      const last = this.#rewriter
      // An empty body is none.
      if (last === undefined || (this.#isFirst && text === '')) return ''
      return last.push(text) + last.end()
    })
  }

  #step(chunk: Buffer | undefined, done: TransformCallback, look: () => string): void {
    const { isStrict } = this.#verdict.rules
    try {
      const text = this.#rewriter === undefined ? '' : look()
      if (isStrict) this.#emit(Buffer.from(text), chunk === undefined)
    } catch (error) {
      if (error instanceof RingfenceError) {
        done(error)
        return
      }
      if (isStrict) {
        done(this.#unreadable(error))
        return
      }
      // Only counted: what cannot be counted passes.
      this.#rewriter = undefined
      this.#verdict.count('unreadable:flag')
    }
    if (!isStrict && chunk !== undefined) this.push(chunk)
    done()
  }

  #text(text: string): string {
    if (text === '') return text
    if (this.#isFirst && text.startsWith('\ufeff')) throw new Unreadable('it begins with a mark')
    // Text in another charset, which is UTF-8 as well if one does not look.
    if (text.includes('\0')) throw new Unreadable('it has zero bytes')
    this.#isFirst = false
    return text
  }

  #emit(bytes: Buffer, isEnd: boolean): void {
    if (bytes.length > 0) {
      this.#held.push(bytes)
      this.#heldBytes += bytes.length
    }
    if (this.#holds && !isEnd && this.#heldBytes <= HELD_BYTES) return
    this.#holds = false
    for (const one of this.#held.splice(0)) this.push(one)
    this.#heldBytes = 0
  }

  #unreadable(error: unknown): RingfenceError {
    const why = error instanceof Unreadable ? error.message : 'it is not UTF-8'
    this.#verdict.count('unreadable:block')
    return refusalOf(this.#verdict.direction, 'invalid_argument', `cannot be looked at: ${why}`)
  }
}
