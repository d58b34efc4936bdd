import { createHash } from 'node:crypto'
import {
  type ClientRequest,
  type IncomingMessage,
  type ServerResponse,
  request as httpRequest,
} from 'node:http'
import { request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { writeHead } from './answer-head.ts'
import { Denial } from './denial.ts'
import type { Exchange } from './exchange.ts'
import { forNode, type Headers, headersOf, valueOf } from './headers.ts'
import type { Upgrade } from './upgrade.ts'
import { failureOf, upstreamDenial } from './upstream-denial.ts'
import type { Turns } from './upstream-turns.ts'

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

export interface TunnelOptions {
  readonly exchange: Exchange
  readonly response: ServerResponse
  readonly upgrade: Upgrade
  /** Which server it goes to. */
  readonly turns: Turns
  /** With the query. */
  readonly path: string
  /** Fields that the gateway itself adds; they win over any of the same name. */
  readonly own: Headers
  /** Called when both sides have agreed. */
  readonly lasts: () => void
  /** Called once: when it cannot be opened. */
  readonly fail: (error: unknown) => void
}

/** A WebSocket: asks the service for one, and then passes bytes both ways as they come. */
export class Tunnel {
  readonly #options: TunnelOptions
  #sending: ClientRequest | undefined
  #upstream: Duplex | undefined
  #isOver = false

  constructor(options: TunnelOptions) {
    this.#options = options
  }

  /** @throws Denial where somebody must look at what passes: nobody can, inside another protocol */
  start(): void {
    const { exchange, turns, path, upgrade } = this.#options
    if (exchange.bodyStages.length > 0 || exchange.answerStages.length > 0) {
      throw new Denial(
        'forbidden',
        'no other protocol is served where guardrails look at what passes',
        'guardrails cannot look into an upgrade',
      )
    }
    const server = turns.next()
    const { limits } = turns
    const ask = server.isSecure ? httpsRequest : httpRequest
    const { agent: _, ...options } = server.options
    const sending = ask({
      ...options,
      agent: false,
      path: server.basePath + path,
      method: 'GET',
      headers: forNode(this.#fields()),
    })
    this.#sending = sending
    const late = () => {
      turns.judge('unanswered')
      this.#fail(
        new Denial('timed_out', 'the service did not answer in time', 'upstream: timed out'),
      )
    }
    const waiting = setTimeout(late, limits.connectMs + limits.firstByteMs)
    sending.once('close', () => clearTimeout(waiting))
    sending.once('upgrade', (answer, socket, head) => {
      clearTimeout(waiting)
      turns.judge('served')
      this.#open(answer, socket, head)
    })
    sending.once('response', (answer) => {
      clearTimeout(waiting)
      turns.judge((answer.statusCode ?? 502) >= 500 ? 'bad' : 'served')
      this.#declined(answer)
    })
    sending.on('error', (error) => {
      if (!this.#isOver) turns.judge(failureOf(error))
      this.#fail(upstreamDenial(error))
    })
    upgrade.socket.once('close', () => this.abort(new Error('the caller is gone')))
    sending.end()
  }

  #fields(): Headers {
    const { exchange, own } = this.#options
    const names = new Set(own.map(([name]) => name))
    const kept = exchange.outgoing.filter(([name]) => name !== 'host' && !names.has(name))
    return [...kept, ...own, ['connection', 'Upgrade'], ['upgrade', 'websocket']]
  }

  #open(answer: IncomingMessage, upstream: Duplex, head: Buffer): void {
    const { exchange, response, upgrade, lasts, turns } = this.#options
    this.#upstream = upstream
    upstream.on('error', () => undefined)
    const fields = headersOf(answer.rawHeaders)
    const key = valueOf(exchange.incoming, 'sec-websocket-key') ?? ''
    const accepted = createHash('sha1')
      .update(key + ACCEPT_SUFFIX)
      .digest('base64')
    if (valueOf(fields, 'sec-websocket-accept') !== accepted) {
      this.#fail(
        new Denial('upstream_failed', 'the service did not answer', 'upstream: no WebSocket'),
      )
      return
    }
    if (this.#isOver) {
      upstream.destroy()
      return
    }
    writeHead(response, 101, [
      ...this.#answered(fields),
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ])
    response.flushHeaders()
    const { socket } = upgrade
    count(exchange, socket)
    for (const side of [socket, upstream as Socket]) {
      side.setTimeout(turns.limits.upgradeIdleMs, () => side.destroy())
      side.setNoDelay(true)
      // Who has said the last word has ended it for both: servers of HTTP would wait for ours.
      side.allowHalfOpen = false
    }
    upstream.once('close', () => socket.destroySoon())
    if (head.length > 0) socket.write(head)
    if (upgrade.head.length > 0) upstream.write(upgrade.head)
    socket.pipe(upstream)
    upstream.pipe(socket)
    lasts()
  }

  /** The service does not want to: its answer is one as any other. */
  #declined(answer: IncomingMessage): void {
    const { response } = this.#options
    writeHead(response, answer.statusCode ?? 502, this.#answered(headersOf(answer.rawHeaders)))
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  }

  #answered(fields: Headers): Headers {
    const { exchange } = this.#options
    let headers = fields
    for (const change of exchange.onAnswer) headers = change(headers)
    return [...headers, ...exchange.answer.filter(([name]) => name !== 'connection')]
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    this.#end()
    this.#options.fail(error)
  }

  /** Ends both sides. Before there is an answer its caller is still told why. */
  abort(_error: Error): void {
    this.#end()
  }

  #end(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#sending?.destroy()
    this.#upstream?.destroy()
  }
}

/** Counts what passed, when it has ended. */
function count({ bytes, onEnd }: Exchange, socket: Socket): void {
  const [read, written] = [socket.bytesRead, socket.bytesWritten]
  const note = () => {
    bytes.request += socket.bytesRead - read
    bytes.answer += socket.bytesWritten - written
  }
  // Before those that settle by it.
  onEnd.unshift(note)
}
