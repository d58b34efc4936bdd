import type { ServerResponse } from 'node:http'
import { pipeline, Readable, Writable } from 'node:stream'
import { type AnswerHead, writeHead } from './answer-head.ts'
import { stageDenial } from './body-stages.ts'
import type { Exchange } from './exchange.ts'
import { valueOf } from './headers.ts'
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
  /** The last of an answer that says how long it is: who has it has the answer whole. */
  #last: Buffer | undefined
  /** Bytes that are still to come; undefined where nobody waits for the last, or it has no length. */
  #left: number | undefined
  #isOver = false
  #unread: NodeJS.Timeout | undefined

  constructor(options: AnswerOptions) {
    const { response, head } = options
    this.#options = options
    if (options.exchange.onWhole !== undefined) this.#left = lengthOf(head)
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
    const isWhole = this.#isHeld
    this.#isHeld = false
    const { exchange, head, fail } = this.#options
    const waiting = exchange.onWhole?.(head.status)
    if (waiting === undefined) return this.#end(isWhole)
    waiting.then(() => this.#end(isWhole)).catch(fail)
  }

  #end(isWhole: boolean): void {
    if (this.#isOver) return
    const { response } = this.#options
    if (isWhole && this.#first !== undefined) endWith(response, this.#first)
    else if (this.#last !== undefined) response.end(this.#last)
    else response.end()
  }

  letGo(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    if (this.#first !== undefined) this.#pass(this.#first)
    // One that ends with its head is whole with it.
    else if (this.#left !== 0) this.#options.response.flushHeaders()
    this.#first = undefined
  }

  #pass(chunk: Buffer): void {
    const { response, flow, idleMs, fail } = this.#options
    if (this.#left !== undefined && (this.#left -= chunk.length) <= 0) {
      this.#last = chunk
      return
    }
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
    this.#isOver = true
    this.#stopWatching()
  }

  #stopWatching(): void {
    clearTimeout(this.#unread)
    this.#unread = undefined
  }
}

/** Bytes of a body whose length is said. */
function lengthOf({ hasBody, headers }: AnswerHead): number | undefined {
  if (!hasBody) return 0
  const length = valueOf(headers, 'content-length')
  return length === undefined ? undefined : Number(length)
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
        const end = () => {
          response.end()
          done()
        }
        const waiting = exchange.onWhole?.(head.status)
        if (waiting === undefined) end()
        else waiting.then(end).catch(done)
      },
    })
  }
}
