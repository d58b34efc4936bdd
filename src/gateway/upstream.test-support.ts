import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { type WebSocket, WebSocketServer } from 'ws'

export interface Seen {
  readonly method: string
  readonly url: string
  /** Names in lower case, repeated fields joined by `, `. */
  readonly headers: Readonly<Record<string, string>>
  body: string
  /** Set when the caller went away before the answer. */
  aborted: boolean
}

export interface Upstream {
  readonly url: string
  readonly seen: Seen[]
  /** Open answers of `/hang`, by which a test decides when they end. */
  readonly hanging: ServerResponse[]
  /** Open WebSockets: it sends back what it gets. */
  readonly sockets: Set<WebSocket>
  /** How many connections it has had. */
  connections(): number
  /** Closes kept connections without a word. */
  dropConnections(): void
}

/** An ordinary service that writes down what reaches it, and misbehaves on some paths. */
export async function upstream(t: TestContext): Promise<Upstream> {
  const seen: Seen[] = []
  const hanging: ServerResponse[] = []
  const server = createServer((request, response) => {
    const one = record(request)
    seen.push(one)
    response.on('close', () => {
      one.aborted = !response.writableFinished
    })
    request.on('data', (chunk: Buffer) => {
      one.body += chunk.toString()
    })
    answer(request, response, hanging)
  })
  const sockets = new Set<WebSocket>()
  const webSockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    seen.push(record(request))
    if (request.url?.endsWith('/refuses') === true) {
      socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 2\r\n\r\nno')
      return
    }
    webSockets.handleUpgrade(request, socket, head, (one) => {
      sockets.add(one)
      one.on('close', () => sockets.delete(one))
      one.on('error', () => undefined)
      one.on('message', (data, isBinary) => one.send(data, { binary: isBinary }))
    })
  })
  let connections = 0
  server.on('connection', () => {
    connections += 1
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    for (const socket of sockets) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    hanging,
    sockets,
    connections: () => connections,
    dropConnections: () => server.closeIdleConnections(),
  }
}

function record(request: IncomingMessage): Seen {
  const headers: Record<string, string> = {}
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = (request.rawHeaders[index] ?? '').toLowerCase()
    const value = request.rawHeaders[index + 1] ?? ''
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return { method: request.method ?? '', url: request.url ?? '', headers, body: '', aborted: false }
}

function answer(
  request: IncomingMessage,
  response: ServerResponse,
  hanging: ServerResponse[],
): void {
  const path = request.url?.split('?')[0] ?? ''
  if (path.endsWith('/hang')) {
    hanging.push(response)
  } else if (path.endsWith('/drip')) {
    response.write('first\n')
    hanging.push(response)
  } else if (path.endsWith('/events')) {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write('data: first\n\n')
    hanging.push(response)
  } else if (path.endsWith('/cut')) {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    setImmediate(() => response.destroy())
  } else if (path.endsWith('/reset')) {
    request.socket.destroy()
  } else if (path.endsWith('/boast')) {
    response.writeHead(200, {
      'ringfence-tenant': 'globex',
      'x-ringfence-admin': '1',
      ringfence_context: 'mine',
      'x-request-id': 'mine',
      connection: 'keep-alive, x-hop',
      'x-hop': '1',
      'x-kept': '1',
    })
    response.end('ok')
  } else if (path.endsWith('/facts')) {
    response.writeHead(200, {
      'content-type': 'text/plain; charset="UTF-8"',
      'content-length': '5',
      etag: '"1"',
      'accept-ranges': 'bytes',
      'content-digest': 'sha-256=:x:',
    })
    response.end('facts')
  } else if (path.endsWith('/part')) {
    response.writeHead(206, { 'content-range': 'bytes 0-1/5' })
    response.end('fa')
  } else if (path.endsWith('/say')) {
    const asked = new URLSearchParams(request.url?.split('?')[1])
    const body = Buffer.from(asked.get('body') ?? '', 'latin1')
    response.writeHead(200, { 'content-type': asked.get('type') ?? 'application/json' })
    response.end(body)
  } else if (path.endsWith('/large')) {
    response.writeHead(200, { 'content-length': String(3 * 100_000) })
    for (let n = 0; n < 3; n += 1) response.write('x'.repeat(100_000))
    response.end()
  } else if (path.endsWith('/nothing')) {
    response.writeHead(204).end()
  } else if (path.endsWith('/cookies')) {
    response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'] })
    response.end('ok')
  } else if (path.endsWith('/whole-host')) {
    response.writeHead(201, {
      'set-cookie': ['a=1; Path=/; Domain=example', '__Host-b=2; Path=/; Secure', 'c=3'],
      'clear-site-data': '"*"',
      'alt-svc': 'h3="elsewhere.example:443"',
      location: '/clinic/visits/1',
      'content-location': '../../../t/globex/clinic/visits/1',
    })
    response.end('ok')
  } else if (path.endsWith('/upload')) {
    request.on('end', () => response.end('uploaded'))
  } else {
    response.end('ok')
  }
}
