import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { messageOf } from '../../core/errors.ts'
import { parseServiceName } from '../../core/names.ts'
import { listenWith } from '../../http/listen.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import { believedTenant } from './believed-tenant.ts'
import type { Ground } from './ground.ts'
import { GUARDED_BYTES_MAX, SECRET_NUMBER } from './guarded.ts'
import type { ServiceVerifier } from './pieces.ts'

/** RFC 6455, section 1.3. */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Characters of a body that are written down. */
const TEXT_MAX = 8_192

/** A request that came through to a service. */
export interface Received {
  readonly method: string
  readonly url: string
  readonly rawHeaders: readonly string[]
  /** The other end of the connection that it came over. */
  readonly connection: string
  bytes: number
  /** The first of them, as characters. */
  text: string
  /** True when it came to its end. */
  whole: boolean
  /** True while it has no answer. */
  open: boolean
}

/**
 * The services behind the gateway, `/<service>/…`. What they answer is the record of the tenant that
 * the request's context names, which holds the tenant's canary.
 *
 * - `…/records/<mark>`: by a context that is verified; a `POST` writes into the record.
 * - `…/believing/<mark>`: by whatever else in the request names a tenant, as services do that were
 *   written to stand behind some other proxy.
 * - `…/echo/<mark>`: sends the header fields back that it got.
 * - `…/claim/<mark>?path=<path>`: speaks for the whole host, and leads to that path of it.
 * - `…/disclose/<mark>?as=<kind>`: says what guardrails let nobody hear.
 * - `…/break/<mark>`: breaks the connection off, as a process does that dies of a request.
 * - `…/hold/<mark>`: answers when `release` is called.
 *
 * Whoever asks for a WebSocket gets one.
 */
export class Upstream {
  readonly url: string
  readonly #ground: Ground
  readonly #verify: ServiceVerifier
  readonly #records: ReadonlyMap<string, string[]>
  readonly #received = new Map<string, Received[]>()
  readonly #held = new Set<ServerResponse>()
  readonly #close: () => Promise<void>

  private constructor(
    ground: Ground,
    verify: ServiceVerifier,
    url: string,
    close: () => Promise<void>,
  ) {
    this.#ground = ground
    this.#verify = verify
    this.url = url
    this.#close = close
    this.#records = new Map(
      ground.parties.map(({ tenant, recordCanary }) => [tenant, [recordCanary]]),
    )
  }

  static async open(ground: Ground, verify: ServiceVerifier): Promise<Upstream> {
    const server: Server = createServer()
    const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
    const upstream = new Upstream(ground, verify, listening.url, () => {
      server.closeAllConnections()
      return listening.close()
    })
    server.on('request', (request, response) => void upstream.#answer(request, response))
    server.on('upgrade', (request, socket) => upstream.#upgrade(request, socket))
    return upstream
  }

  /** What came through with a mark in its path. */
  received(mark: string): readonly Received[] {
    return this.#received.get(mark) ?? []
  }

  /** What a tenant's record holds. */
  record(tenant: string): readonly string[] {
    return this.#records.get(tenant) ?? []
  }

  /** Answers all that `hold` keeps waiting. */
  release(): void {
    for (const response of this.#held) response.end('released')
    this.#held.clear()
  }

  #note(request: IncomingMessage): {
    readonly parts: readonly string[]
    readonly received: Received
  } {
    const [path = ''] = (request.url ?? '').split('?')
    const parts = path.split('/').filter((part) => part !== '')
    const mark = parts.at(-1) ?? ''
    const received: Received = {
      method: request.method ?? '',
      url: request.url ?? '',
      rawHeaders: request.rawHeaders,
      connection: String(request.socket.remotePort),
      bytes: 0,
      text: '',
      whole: false,
      open: true,
    }
    this.#received.set(mark, [...this.received(mark), received])
    return { parts, received }
  }

  /** Becomes a WebSocket, on which what comes goes back. It asks nothing of whoever opens it. */
  #upgrade(request: IncomingMessage, socket: Duplex): void {
    const { received } = this.#note(request)
    received.whole = true
    socket.on('error', () => undefined)
    socket.once('end', () => socket.end())
    socket.once('close', () => {
      received.open = false
    })
    const key = `${request.headers['sec-websocket-key']}${ACCEPT_SUFFIX}`
    const accept = createHash('sha1').update(key).digest('base64')
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    )
    socket.on('data', (chunk: Buffer) => {
      received.bytes += chunk.length
      socket.write(chunk)
    })
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { parts, received } = this.#note(request)
    response.once('close', () => {
      received.open = false
      this.#held.delete(response)
    })
    try {
      for await (const chunk of request) {
        received.bytes += (chunk as Buffer).length
        if (received.text.length < TEXT_MAX) received.text += (chunk as Buffer).toString('latin1')
      }
      received.whole = true
      await this.#serve(parts, request, response)
    } catch (error) {
      if (!response.headersSent) response.writeHead(403)
      response.end(messageOf(error))
    }
  }

  async #serve(parts: readonly string[], request: IncomingMessage, response: ServerResponse) {
    if (request.method === 'TRACE') {
      // RFC 9110, section 9.3.8: what came goes back.
      response.setHeader('content-type', 'message/http')
      response.end(request.rawHeaders.join('\n'))
      return
    }
    switch (parts.at(-2)) {
      case 'records': {
        const { tenant, scopes } = await this.#verify(request, parseServiceName(parts[0]))
        const record = this.#records.get(tenant)
        if (request.method === 'POST' && scopes.includes('write')) record?.push('written')
        response.end(JSON.stringify({ tenant, record }))
        return
      }
      case 'believing': {
        const tenant = believedTenant(request, this.#ground)
        response.end(JSON.stringify({ tenant, record: this.#records.get(tenant ?? '') }))
        return
      }
      case 'echo': {
        for (const name of [CONTEXT_HEADER, 'x-request-id', 'forwarded']) {
          const value = request.headers[name]
          if (value !== undefined) response.setHeader(name, value)
        }
        response.end('echo')
        return
      }
      case 'claim':
        claimHost(request, response)
        return
      case 'disclose':
        disclose(request, response)
        return
      case 'break':
        request.socket.destroy()
        return
      case 'hold':
        this.#held.add(response)
        return
      default:
        response.writeHead(404).end()
    }
  }

  async close(): Promise<void> {
    this.release()
    await this.#close()
  }
}

/** What a browser would take for the whole host, and cookies for the given path of it. */
function claimHost(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '', 'http://service').searchParams.get('path') ?? '/'
  const { hostname } = new URL(`http://${request.headers.host}`)
  response.writeHead(302, {
    'set-cookie': [
      'session=fixed',
      'session=fixed; Path=/',
      `session=fixed; Path=${path}; HttpOnly`,
      `session=fixed; path = ${path}; Domain=${hostname}`,
      `session=fixed; Path=${path}; Path=/`,
      '__Host-session=fixed; Secure; Path=/',
    ],
    'clear-site-data': '"cookies", "storage"',
    'service-worker-allowed': '/',
    'alt-svc': 'h3=":443"; ma=86400',
    nel: '{"report_to":"theirs","max_age":86400}',
    'report-to': '{"group":"theirs","max_age":86400,"endpoints":[{"url":"https://theirs.test"}]}',
    location: path,
  })
  response.end('claimed')
}

/** By kind: type and body of an answer. */
const DISCLOSED: Readonly<Record<string, readonly [type: string, body: string]>> = {
  json: ['application/json', JSON.stringify({ note: SECRET_NUMBER })],
  events: ['text/event-stream', `data: ${SECRET_NUMBER}\n\n`],
  octets: ['application/octet-stream', SECRET_NUMBER],
  plain: ['text/plain', 'disclosed'],
  long: ['application/json', JSON.stringify(`${'x'.repeat(GUARDED_BYTES_MAX)}disclosed`)],
}

function disclose(request: IncomingMessage, response: ServerResponse): void {
  const as = new URLSearchParams(request.url?.split('?')[1]).get('as') ?? ''
  const [type, body] = DISCLOSED[as] ?? ['text/plain', '']
  response.writeHead(200, { 'content-type': type })
  response.end(body)
}
