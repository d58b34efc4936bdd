import { Transform, type TransformCallback } from 'node:stream'
import { RingfenceError } from '../core/errors.ts'
import type { RequestBody } from '../openapi/request-body.ts'
import { bodyHeadOf } from './body-stages.ts'
import { decodeBody } from './decoded-body.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'

/** Longest body that is held to be looked at as a whole. */
export const DESCRIBED_BODY_MAX = 1_048_576
const CHARSETS = new Set(['utf-8', 'utf8', 'us-ascii', undefined])

/**
 * Has a request's body looked at before any of it goes on: as the document of its API describes it.
 * @throws Denial for one of a type that is not described
 */
export function holdToDescription(exchange: Exchange, body: RequestBody | undefined): void {
  const { mediaType, charset, coding } = bodyHeadOf(exchange.incoming)
  if (body === undefined) {
    throw new Denial('invalid_argument', 'no body is taken here', 'openapi: a body, undescribed')
  }
  const reading = body.reading(mediaType)
  if (reading === 'opaque') return
  // Two stages cannot take one coding off: it is gone before both.
  if (reading === undefined || !CHARSETS.has(charset) || !decodeBody(exchange, coding)) {
    throw new Denial(
      'unsupported_media_type',
      'the body is not of a type that is taken here',
      'openapi: another type, charset or coding',
    )
  }
  exchange.bodyStages.push(() => new WholeBody((text) => body.check(mediaType, text)))
}

/** Passes a body on once all of it was looked at. */
class WholeBody extends Transform {
  readonly #check: (text: string) => void
  readonly #chunks: Buffer[] = []
  #bytes = 0

  constructor(check: (text: string) => void) {
    super()
    this.#check = check
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length
    this.#chunks.push(chunk)
    const isTooLong = this.#bytes > DESCRIBED_BODY_MAX
    done(isTooLong ? new RingfenceError('too_large', 'the body is too large') : null)
  }

  override _flush(done: TransformCallback): void {
    const body = Buffer.concat(this.#chunks)
    try {
      this.#check(textOf(body))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
      return
    }
    done(null, body)
  }
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw new RingfenceError('invalid_argument', 'the body is not UTF-8')
  }
}
