import type { ServerResponse } from 'node:http'
import { pipeline, Readable, Writable } from 'node:stream'
import { type AnswerHead, writeHead } from './answer-head.ts'
import { stageDenial } from './body-stages.ts'
import type { Exchange } from './exchange.ts'
import type { Flow } from './upstream-call.ts'

export interface AnswerOptions {
  readonly exchange: Exchange
  readonly response: ServerResponse
  readonly head: AnswerHead
  readonly flow: Flow
  /** For so long a caller may leave unread what is there. Milliseconds. */
  readonly idleMs: number
  /** Told why the answer cannot go on. */
  readonly fail: (error: unknown) => void
}

/** An upstream's answer on its way to the caller. */
export interface AnswerBody {
  write(chunk: Buffer): void
  end(): void
  /** No more of it will come. */
  abort(error: Error): void
}

export function answerBody(options: AnswerOptions): AnswerBody {
  const { stages, hasBody } = options.head
  return stages.length > 0 && hasBody ? new StagedAnswer(options) : new PlainAnswer(options)
}

/** As it comes. */
class PlainAnswer implements AnswerBody {
  readonly #options: AnswerOptions
  /** Held until the turn is over: a small answer is there whole by then, and goes out in one piece. */
  #first: Buffer | undefined
  #isHeld = true
  #unread: NodeJS.Timeout | undefined

  constructor(options: AnswerOptions) {
    const { response, head } = options
    this.#options = options
    writeHead(response, head.status, head.headers, head.own)
    process.nextTick(letGo, this)
  }

  write(chunk: Buffer): void {
    if (!this.#options.head.hasBody) return
    this.#options.exchange.bytes.answer += chunk.length
    if (this.#isHeld && this.#first === undefined) {
      this.#first = chunk
      return
    }
    this.letGo()
    this.#pass(chunk)
  }

  end(): void {
    const { response } = this.#options
    const isWhole = this.#isHeld
    this.#isHeld = false
    if (isWhole && this.#first !== undefined) endWith(response, this.#first)
    else response.end()
  }

  letGo(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (this.#first === undefined) this.#options.response.flushHeaders()
    else this.#pass(this.#first)
    this.#first = undefined
  }

  #pass(chunk: Buffer): void {
    const { response, flow, idleMs, fail } = this.#options
    if (response.write(chunk) || this.#unread !== undefined) return
    flow.pause()
    this.#unread = setTimeout(() => fail(new Error('the caller does not read')), idleMs)
    response.once('drain', () => {
      this.#stopWatching()
      flow.resume()
    })
  }

  abort(): void {
    this.#isHeld = false
    this.#stopWatching()
  }

  #stopWatching(): void {
    clearTimeout(this.#unread)
    this.#unread = undefined
  }
}

const ONE_PIECE_BYTES_MAX = 16 * 1024

/** Byte for byte the same; but Node puts text and the head in one piece, which is half of the work. */
function endWith(response: ServerResponse, body: Buffer): void {
  if (body.length > ONE_PIECE_BYTES_MAX) response.end(body)
  else response.end(body.toString('latin1'), 'latin1')
}

function letGo(answer: PlainAnswer): void {
  answer.letGo()
}

/** Through stages. Its head waits for what they let pass: until then it can be refused. */
class StagedAnswer implements AnswerBody {
  readonly #options: AnswerOptions
  readonly #source: Readable
  /** The first that went wrong, and not what went wrong because of it. */
  #broken: unknown

  constructor(options: AnswerOptions) {
    const { flow, head, fail } = options
    this.#options = options
    this.#source = new Readable({ read: () => flow.resume() })
    for (const stage of head.stages) {
      stage.once('error', (error) => (this.#broken ??= stageDenial(error)))
    }
    pipeline([this.#source, ...head.stages, this.#sink()], (error) => {
      if (error != null) fail(this.#broken ?? error)
    })
  }

  write(chunk: Buffer): void {
    if (!this.#source.push(chunk)) this.#options.flow.pause()
  }

  end(): void {
    this.#source.push(null)
  }

  abort(error: Error): void {
    this.#broken ??= error
    this.#source.destroy(error)
  }

  /** It leaves the response open to a refusal when the body fails. */
  #sink(): Writable {
    const { exchange, response, head, idleMs } = this.#options
    const begin = () => {
      if (!response.headersSent) writeHead(response, head.status, head.headers, head.own)
    }
    return new Writable({
      write(chunk: Buffer, _encoding, done) {
        begin()
        exchange.bytes.answer += chunk.length
        if (response.write(chunk)) return done()
        const goOn = () => {
          clearTimeout(unread)
          done()
        }
        const unread = setTimeout(() => {
          response.off('drain', goOn)
          done(new Error('the caller does not read'))
        }, idleMs).unref()
        response.once('drain', goOn)
      },
      final(done) {
        begin()
        response.end()
        done()
      },
    })
  }
}
