import { Agent, createServer, request as ask, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createRawServer } from 'node:net'
import httpProxy from '@fastify/http-proxy'
import fastify from 'fastify'
import { createProxyServer } from 'http-proxy-3'
import { Pool } from 'undici'

/** A service that answers at once, or a proxy that has nothing to do but pass on, in its own process. */
export interface ProxyWork {
  readonly kind: 'service' | 'node-http' | 'undici' | '@fastify/http-proxy' | 'http-proxy-3'
  /** Where it passes on to. */
  readonly upstream: string
}

const CONNECTIONS = 256
const HOP = new Set(['connection', 'keep-alive', 'transfer-encoding', 'host', 'te', 'upgrade'])

process.once('message', (work: ProxyWork) => {
  void MAKERS[work.kind](work.upstream).then((url) => process.send?.(url))
})

process.once('disconnect', () => process.exit())

const MAKERS: Readonly<Record<ProxyWork['kind'], (upstream: string) => Promise<string>>> = {
  service: () => service(),
  'node-http': (upstream) => listening(nodeHttp(upstream)),
  undici: (upstream) => listening(undici(upstream)),
  '@fastify/http-proxy': fastifyProxy,
  'http-proxy-3': (upstream) => {
    const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
    const proxy = createProxyServer({ target: upstream, agent })
    return listening((request, response) => proxy.web(request, response))
  },
}

/** As cheap as can be, so that what is measured is the proxies before it. */
function service(): Promise<string> {
  const body = JSON.stringify({ visits: Array.from({ length: 20 }, (_, id) => ({ id })) })
  const answer = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nETag: "1"\r\nContent-Length: ${body.length}\r\nDate: ${new Date().toUTCString()}\r\nConnection: keep-alive\r\nKeep-Alive: timeout=60\r\n\r\n${body}`
  const server = createRawServer({ noDelay: true }, (socket) => {
    let rest = ''
    socket.on('data', (chunk) => {
      rest += chunk.toString('latin1')
      let answers = 0
      for (let end = rest.indexOf('\r\n\r\n'); end !== -1; end = rest.indexOf('\r\n\r\n')) {
        rest = rest.slice(end + 4)
        answers += 1
      }
      if (answers > 0) socket.write(answer.repeat(answers), 'latin1')
    })
    socket.on('error', () => undefined)
  })
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })
}

function listening(handler: RequestListener): Promise<string> {
  const server = createServer({ keepAliveTimeout: 60_000 }, handler)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () =>
      resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    )
  })
}

function nodeHttp(upstream: string): RequestListener {
  const { hostname, port } = new URL(upstream)
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  return (request, response) => {
    const options = { agent, hostname, port, path: request.url ?? '/' }
    const sending = ask(
      { ...options, method: request.method, headers: request.headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(response)
      },
    )
    sending.on('error', () => response.destroy())
    request.pipe(sending)
  }
}

/** undici's `dispatch` and nothing else: fields of one hop are taken out, as it demands. */
function undici(upstream: string): RequestListener {
  const pool = new Pool(upstream, { connections: CONNECTIONS, pipelining: 1 })
  return (request, response) => {
    const headers: string[] = []
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      const name = request.rawHeaders[at] ?? ''
      if (!HOP.has(name.toLowerCase())) headers.push(name, request.rawHeaders[at + 1] ?? '')
    }
    const method = request.method ?? 'GET'
    const body = method === 'GET' || method === 'HEAD' ? null : request
    pool.dispatch(
      { path: request.url ?? '/', method, headers, body },
      {
        onRequestStart: () => undefined,
        onResponseStart(_, status, fields) {
          for (const name of HOP) delete fields[name]
          response.writeHead(status, fields)
        },
        onResponseData(controller, chunk) {
          if (response.write(chunk)) return
          controller.pause()
          response.once('drain', () => controller.resume())
        },
        onResponseEnd: () => void response.end(),
        onResponseError: () => void response.destroy(),
      },
    )
  }
}

async function fastifyProxy(upstream: string): Promise<string> {
  const app = fastify({ keepAliveTimeout: 60_000 })
  await app.register(httpProxy, { upstream, undici: { connections: CONNECTIONS } })
  return app.listen({ host: '127.0.0.1', port: 0 })
}
