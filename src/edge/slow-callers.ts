import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { streamOf } from './http2-fields.ts'

export interface SlowLimits {
  /** Of a body that is being sent, over the time between two looks; less ends the connection. */
  readonly bytesPerSecond: number
  /** From one look to the next. Milliseconds. */
  readonly lookEveryMs: number
  /** For a whole request. Milliseconds. */
  readonly requestMs: number
}

export const SLOW_LIMITS: Omit<SlowLimits, 'requestMs'> = {
  bytesPerSecond: 128,
  lookEveryMs: 10_000,
}

interface Caller {
  readonly socket: Socket
  /** Whose bodies may still be coming. */
  readonly requests: Set<IncomingMessage>
  bytesBefore: number
}

interface Since {
  readonly looks: number
  readonly at: number
}

/**
 * Ends connections whose bodies come so slowly that they do nothing but hold a place. Looks at all of
 * them every few seconds; between two looks it costs nothing but a note of each request.
 */
export class SlowCallers {
  readonly #limits: SlowLimits
  readonly #callers = new Map<object, Caller>()
  readonly #since = new WeakMap<IncomingMessage, Since>()
  readonly #timer: NodeJS.Timeout
  #looks = 0

  constructor(limits: SlowLimits) {
    this.#limits = limits
    this.#timer = setInterval(() => this.look(), limits.lookEveryMs).unref()
  }

  /** @param carrier the socket as requests have it, or the session of HTTP/2 */
  enter(carrier: object, socket: Socket): void {
    this.#callers.set(carrier, { socket, requests: new Set(), bytesBefore: socket.bytesRead })
    socket.once('close', () => this.#callers.delete(carrier))
  }

  /** A request whose head has come. */
  began(request: IncomingMessage): void {
    const stream = streamOf(request)
    const caller = this.#callers.get(stream?.session ?? request.socket)
    if (caller === undefined || stream?.endAfterHeaders === true) return
    // Over HTTP/1.1 the one before has ended.
    if (stream === undefined) caller.requests.clear()
    else stream.once('close', () => caller.requests.delete(request))
    caller.requests.add(request)
  }

  look(): void {
    this.#looks += 1
    const now = performance.now()
    for (const caller of this.#callers.values()) {
      const { socket, requests } = caller
      const bytes = socket.bytesRead - caller.bytesBefore
      caller.bytesBefore = socket.bytesRead
      const enough = (this.#limits.bytesPerSecond * this.#limits.lookEveryMs) / 1000
      for (const request of requests) {
        if (request.complete || request.destroyed) {
          requests.delete(request)
          continue
        }
        const since = this.#since.get(request) ?? { looks: this.#looks, at: now }
        this.#since.set(request, since)
        // One that we ourselves do not read, because the service does not, is not slow.
        const isSlow = bytes < enough && !request.isPaused() && request.readableLength === 0
        const isWatched = this.#looks > since.looks
        if ((isWatched && isSlow) || now - since.at > this.#limits.requestMs) socket.destroy()
      }
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}
