import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import { type Http2Server, type ServerHttp2Session } from 'node:http2'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { bind, type Listen } from '../http/listen.ts'
import { parseAddress, UNKNOWN_ADDRESS } from './address.ts'
import { CallerAddresses, type TrustedProxies } from './caller-address.ts'
import type { CertificateStore } from './certificate-store.ts'
import { describeConnection } from './connection.ts'
import { answerUnreadable } from './unreadable.ts'
import { type Handler, http2Front } from './http2-front.ts'
import { tlsFront } from './tls-front.ts'
import { SLOW_LIMITS, SlowCallers, type SlowLimits } from './slow-callers.ts'
import { VISITOR_LIMITS, type VisitorLimits, Visitors } from './visitors.ts'

export interface FrontOptions {
  /** Serves HTTP/1.1. It does not listen: connections are handed to it. */
  readonly server: HttpServer
  /** Serves HTTP/2, where TLS ends here. */
  readonly handler: Handler
  readonly listen: Listen
  /** TLS ends here, with these. Default: it does not. */
  readonly certificates?: CertificateStore
  readonly trustedProxies?: TrustedProxies
  /** See `FAREWELL_MS`. */
  readonly farewellMs?: number
  readonly limits: FrontLimits
}

export interface FrontLimits
  extends Partial<VisitorLimits>,
    Partial<Omit<SlowLimits, 'requestMs'>> {
  readonly connections: number
  readonly headerBytesMax: number
  readonly headerMs: number
  readonly requestMs: number
  readonly idleMs: number
}

export interface Front {
  /** `https://…` where TLS ends here. */
  readonly url: string
  /** Takes no new connections, and waits for what is under way (10 s at most). */
  close(): Promise<void>
}

/** How long requests under way may take when the front is told to stop. */
const DRAIN_MS_MAX = 10_000
/**
 * For so long kept connections of HTTP/1.1 may bring one more request, whose answer says that it was
 * the last.
 */
const FAREWELL_MS = 1_000
const LOOK_MS = 10

/**
 * What stands before the gateway's checks: connections, with or without TLS, of either version of
 * HTTP, limited by address.
 * @throws RingfenceError as `bind`; `invalid_argument` for ranges that are none
 */
export async function openFront(options: FrontOptions): Promise<Front> {
  return new OpenFront(options).open()
}

class OpenFront {
  readonly #options: FrontOptions
  readonly #callers: CallerAddresses | undefined
  readonly #visitors: Visitors
  readonly #slow: SlowCallers
  readonly #http2: Http2Server
  readonly #sockets = new Set<Socket>()
  readonly #sessions = new Set<ServerHttp2Session>()
  #isClosing = false

  constructor(options: FrontOptions) {
    this.#options = options
    const { limits, trustedProxies, server, handler } = options
    this.#callers = trustedProxies && new CallerAddresses(trustedProxies)
    this.#visitors = new Visitors({ ...VISITOR_LIMITS, ...limits })
    this.#slow = new SlowCallers({ ...SLOW_LIMITS, ...limits })
    this.#http2 = http2Front(handler, limits)
    server.headersTimeout = limits.headerMs
    server.requestTimeout = limits.requestMs
    // It never listens, and is told that it does so that it looks after the times of its connections.
    server.emit('listening')
    for (const event of ['request', 'checkContinue']) {
      server.prependListener(event, (request: IncomingMessage, response: ServerResponse) => {
        this.#slow.began(request)
        // The answer says that it is the last on its connection.
        if (this.#isClosing) response.shouldKeepAlive = false
      })
      this.#http2.prependListener(event, (request: IncomingMessage) => this.#slow.began(request))
    }
    server.on('clientError', (error, socket) => {
      this.#fault(socket as Socket)
      answerUnreadable(error, socket as Socket)
    })
  }

  async open(): Promise<Front> {
    const { certificates, limits, listen, server } = this.#options
    const tls =
      certificates &&
      (await tlsFront({
        certificates,
        handshakeMs: limits.headerMs,
        onFault: (socket) => this.#fault(socket),
        onSecure: (socket, name) =>
          socket.alpnProtocol === 'h2' ? this.#serve2(socket, name) : this.#serve1(socket, name),
      }))
    // As Node's own servers have it: without TLS it is the parser of HTTP that sees the caller's end.
    const accepting = { allowHalfOpen: tls === undefined, noDelay: true }
    const listener = createServer(accepting, (socket) => {
      if (!this.#enter(socket)) socket.destroy()
      else if (tls === undefined) this.#serve1(socket, undefined)
      else tls.accept(socket)
    })
    listener.maxConnections = limits.connections
    const url = await bind(listener, listen)
    return {
      url: tls === undefined ? url : url.replace(/^http:/, 'https:'),
      close: async () => {
        await this.#close(listener)
        tls?.close()
        this.#slow.close()
        server.close()
      },
    }
  }

  #enter(socket: Socket): boolean {
    const address = addressOf(socket)
    // All callers of a proxy of ours come from its address, and those of a socket in the file system from none.
    if (address !== UNKNOWN_ADDRESS && this.#callers?.isProxy(address) !== true) {
      const leave = this.#visitors.enter(address)
      if (leave === undefined) return false
      socket.once('close', leave)
    }
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
    return true
  }

  #fault(socket: Socket): void {
    const address = addressOf(socket)
    if (this.#callers?.isProxy(address) !== true) this.#visitors.fault(address)
  }

  #serve1(socket: Socket, serverName: string | undefined): void {
    this.#describe(socket, serverName)
    this.#slow.enter(socket, socket)
    this.#options.server.emit('connection', socket)
  }

  #serve2(socket: Socket, serverName: string): void {
    this.#http2.once('session', (session: ServerHttp2Session) => {
      this.#describe(session, serverName)
      this.#slow.enter(session, socket)
      this.#sessions.add(session)
      session.once('close', () => this.#sessions.delete(session))
      session.on('error', () => this.#fault(socket))
      if (this.#isClosing) session.close()
    })
    // It makes the session before it returns.
    this.#http2.emit('connection', socket)
  }

  #describe(carrier: object, serverName: string | undefined): void {
    if (serverName === undefined && this.#callers === undefined) return
    describeConnection(carrier, { serverName, callers: this.#callers })
  }

  async #close(listener: NetServer): Promise<void> {
    this.#isClosing = true
    const closed = new Promise<void>((resolve) => void listener.close(() => resolve()))
    // Streams come to their end; their callers are told which were not begun, and may repeat those.
    for (const session of this.#sessions) session.close()
    await this.#empty(this.#options.farewellMs ?? FAREWELL_MS, () => undefined)
    // One whose last answer has just gone out would be kept for seconds.
    await this.#empty(DRAIN_MS_MAX, () => this.#options.server.closeIdleConnections())
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Waits until no connection is left, or the time is over. */
  async #empty(milliseconds: number, look: () => void): Promise<void> {
    const end = performance.now() + milliseconds
    for (look(); this.#sockets.size > 0 && performance.now() < end; look()) {
      await setTimeout(LOOK_MS)
    }
  }
}

function addressOf(socket: Socket): string {
  return parseAddress(socket.remoteAddress ?? '') ?? UNKNOWN_ADDRESS
}
