import { RingfenceError } from '../core/errors.ts'
import type { Headers } from './headers.ts'
import type { Flow, UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import { failureOf } from './upstream-denial.ts'
import type { HedgeTurn, Turns } from './upstream-turns.ts'
import type { UpstreamServer } from './upstream.ts'

const OTHER_WAS_FIRST = new Error('another server was first')

/** Sends a request to a server. @throws Denial when no connection is free */
export type AskServer = (server: UpstreamServer, answer: UpstreamAnswer) => UpstreamCall

/**
 * A request that goes to a second server when the first has not answered for a while (Dean and Barroso,
 * "The Tail at Scale", 2013). Whichever head comes first counts, and the other request is ended. One
 * that fails while the other is under way is no failure of the request.
 */
export class HedgedCall implements UpstreamCall {
  readonly #ask: AskServer
  readonly #turns: Turns
  readonly #answer: UpstreamAnswer
  readonly #timer: NodeJS.Timeout
  readonly #first: Side
  #second: Side | undefined
  #winner: Side | undefined

  /**
   * @param server the first one, whose turn it is already
   * @param afterMs how long it alone is waited for
   * @throws Denial when no connection to it is free
   */
  constructor(
    ask: AskServer,
    turns: Turns,
    server: UpstreamServer,
    afterMs: number,
    answer: UpstreamAnswer,
  ) {
    this.#ask = ask
    this.#turns = turns
    this.#answer = answer
    this.#first = new Side(this, undefined)
    this.#timer = setTimeout(() => this.#hedge(), afterMs)
    try {
      this.#first.call = ask(server, this.#first)
    } catch (refusal) {
      clearTimeout(this.#timer)
      throw refusal
    }
  }

  abort(error: Error): void {
    clearTimeout(this.#timer)
    for (const side of this.#sides()) side.stop(error)
  }

  /** @returns whether what comes is of the one that counts */
  isOf(side: Side): boolean {
    return this.#winner === side
  }

  head(side: Side, flow: Flow, status: number, fields: Headers): void {
    if (side.isOver) return
    if (status >= 500 && this.#isOtherUnderWay(side)) {
      this.#judge(side, 'bad')
      return side.stop(OTHER_WAS_FIRST)
    }
    this.#decide(side)
    this.#answer.onHead(flow, status, fields)
  }

  /** For what comes after the head. */
  get answer(): UpstreamAnswer {
    return this.#answer
  }

  failed(side: Side, error: Error, isLost: boolean): void {
    if (side.isOver) return
    if (this.#winner === undefined && this.#isOtherUnderWay(side)) {
      // A connection that was closed as it was used again is nobody's fault.
      if (!isLost) this.#judge(side, failureOf(error))
      return side.stop(OTHER_WAS_FIRST)
    }
    this.#decide(side)
    // Which of two it was is not said on: it is not asked again as if nothing had happened.
    this.#answer.onError(error, isLost && this.#second === undefined)
  }

  #hedge(): void {
    let hedge: HedgeTurn | undefined
    try {
      hedge = this.#turns.hedge()
      if (hedge === undefined) return
      const side = new Side(this, hedge)
      side.call = this.#ask(hedge.server, side)
      this.#second = side
    } catch (refusal) {
      hedge?.end()
      // The first is still waited for, as if there were no other.
      if (!(refusal instanceof RingfenceError)) throw refusal
    }
  }

  #judge({ hedge }: Side, outcome: Parameters<Turns['judge']>[0]): void {
    const turn = hedge ?? this.#turns
    turn.judge(outcome)
  }

  /** From now on the request is with this one's server. */
  #decide(side: Side): void {
    if (this.#winner !== undefined) return
    clearTimeout(this.#timer)
    this.#winner = side
    for (const other of this.#sides()) if (other !== side) other.stop(OTHER_WAS_FIRST)
    if (side.hedge !== undefined) this.#turns.goOnWith(side.hedge)
  }

  #isOtherUnderWay(side: Side): boolean {
    return this.#sides().some((other) => other !== side && !other.isOver)
  }

  #sides(): readonly Side[] {
    return this.#second === undefined ? [this.#first] : [this.#first, this.#second]
  }
}

/** One of the two requests. */
class Side implements UpstreamAnswer {
  readonly hedge: HedgeTurn | undefined
  readonly #hedged: HedgedCall
  call: UpstreamCall | undefined
  isOver = false

  constructor(hedged: HedgedCall, hedge: HedgeTurn | undefined) {
    this.#hedged = hedged
    this.hedge = hedge
  }

  stop(error: Error): void {
    if (this.isOver) return
    this.isOver = true
    this.call?.abort(error)
    this.hedge?.end()
  }

  onHead(flow: Flow, status: number, fields: Headers): void {
    this.#hedged.head(this, flow, status, fields)
  }

  onData(chunk: Buffer): void {
    if (this.#hedged.isOf(this)) this.#hedged.answer.onData(chunk)
  }

  onTrailers(fields: readonly string[]): void {
    if (this.#hedged.isOf(this)) this.#hedged.answer.onTrailers?.(fields)
  }

  onEnd(): void {
    if (this.#hedged.isOf(this)) this.#hedged.answer.onEnd()
  }

  onError(error: Error, isLost: boolean): void {
    this.#hedged.failed(this, error, isLost)
  }
}
