import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { streamOf } from './http2-fields.ts'

export interface SlowLimits {
  /**
   * While a body is being sent, as they come over the network, between two looks; less, twice in a row,
   * ends the connection.
   */
  readonly bytesPerSecond: number
  /** From one look to the next. Milliseconds. */
  readonly lookEveryMs: number
  /** For a whole request. Milliseconds. */
  readonly requestMs: number
}

export const SLOW_LIMITS: Omit<SlowLimits, 'requestMs'> = {
  bytesPerSecond: 500,
  lookEveryMs: 10_000,
}

interface Caller {
  readonly socket: Socket
  /**
   * Whose bodies may still be coming. A list: what a set has let go of keeps hold, until the next whole
   * collection of garbage, of all that was ever put into it afterwards.
   */
  readonly requests: IncomingMessage[]
  bytesBefore: number
  /** Looks in a row at which it was slow. */
  slowLooks: number
}

/**
 * Ends connections whose bodies come so slowly that they do nothing but hold a place. Looks at all of
 * them every few seconds; between two looks it costs nothing but a note of each request.
 */
export class SlowCallers {
  readonly #limits: SlowLimits
  readonly #callers = new Map<object, Caller>()
  /** When each was first looked at. */
  readonly #since = new WeakMap<IncomingMessage, number>()
  readonly #timer: NodeJS.Timeout

  constructor(limits: SlowLimits) {
    this.#limits = limits
    this.#timer = setInterval(() => this.look(), limits.lookEveryMs).unref()
  }

  /** @param carrier the socket as requests have it, or the session of HTTP/2 */
  enter(carrier: object, socket: Socket): void {
    this.#callers.set(carrier, {
      socket,
      requests: [],
      bytesBefore: socket.bytesRead,
      slowLooks: 0,
    })
    socket.once('close', () => this.#callers.delete(carrier))
  }

  /** A request whose head has come. */
  began(request: IncomingMessage): void {
    const stream = streamOf(request)
    const caller = this.#callers.get(stream?.session ?? request.socket)
    if (caller === undefined || stream?.endAfterHeaders === true) return
    // Over HTTP/1.1 the one before has ended.
    if (stream === undefined) caller.requests.length = 0
    else stream.once('close', () => takeOut(caller.requests, request))
    caller.requests.push(request)
  }

  look(): void {
    const now = performance.now()
    const enough = (this.#limits.bytesPerSecond * this.#limits.lookEveryMs) / 1000
    for (const caller of this.#callers.values()) {
      const bytes = caller.socket.bytesRead - caller.bytesBefore
      caller.bytesBefore = caller.socket.bytesRead
      let isSlow = false
      for (const request of [...caller.requests]) {
        if (request.complete || request.destroyed) {
          takeOut(caller.requests, request)
          continue
        }
        const since = this.#since.get(request) ?? now
        this.#since.set(request, since)
        // One that we ourselves do not read, because the service does not, is not slow.
        const isRead = !request.isPaused() && request.readableLength === 0
        isSlow ||= since !== now && bytes < enough && isRead
        if (now - since > this.#limits.requestMs) caller.socket.destroy()
      }
      caller.slowLooks = isSlow ? caller.slowLooks + 1 : 0
      // Twice: the first may have come too early.
      if (caller.slowLooks >= 2) caller.socket.destroy()
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }
}

function takeOut(requests: IncomingMessage[], request: IncomingMessage): void {
  const index = requests.indexOf(request)
  if (index !== -1) requests.splice(index, 1)
}
