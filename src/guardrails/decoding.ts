import { Transform, type TransformCallback } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'
import { refusalOf } from './message.ts'
import type { Direction } from './rules.ts'

/** Bytes that a coded body may become. */
const DECODED_MAX = 64 * 1_048_576
/** Beyond the first, so many for each coded byte: a few that become millions use others up. */
const DECODED_FREE = 1_048_576
const RATIO_MAX = 100
const DECODERS = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
} as const

/** Takes a content coding off a body, at the pace of who reads it. Its stream ends with a refusal. */
export class Decoding extends Transform {
  readonly #inner: ReturnType<typeof createGunzip>
  #bytes = 0
  #coded = 0

  constructor(coding: keyof typeof DECODERS, direction: Direction) {
    super()
    this.#inner = DECODERS[coding]()
    this.#inner.on('data', (chunk: Buffer) => {
      this.#bytes += chunk.length
      if (this.#bytes > Math.min(DECODED_MAX, DECODED_FREE + this.#coded * RATIO_MAX)) {
        this.destroy(refusalOf(direction, 'too_large', 'is too large'))
      } else if (!this.push(chunk)) this.#inner.pause()
    })
    this.#inner.on('error', () => {
      this.destroy(refusalOf(direction, 'invalid_argument', 'is not coded as it says'))
    })
  }

  static supports(coding: string): coding is keyof typeof DECODERS {
    return Object.hasOwn(DECODERS, coding)
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#coded += chunk.length
    this.#inner.write(chunk, () => done())
  }

  override _flush(done: TransformCallback): void {
    this.#inner.once('end', () => done())
    this.#inner.end()
  }

  override _read(size: number): void {
    this.#inner.resume()
    super._read(size)
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner.destroy()
    super._destroy(error, done)
  }
}
