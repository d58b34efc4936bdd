import { Agent as HttpAgent, type ClientRequest, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { GatewayLimits } from './limits.ts'

const IDLE_CONNECTIONS_MAX = 64

/** Kept connections to upstream services. */
export class Upstreams {
  readonly #http: HttpAgent
  readonly #https: HttpsAgent

  constructor({ upstreamConnections }: GatewayLimits) {
    const options = {
      keepAlive: true,
      maxSockets: upstreamConnections,
      maxFreeSockets: IDLE_CONNECTIONS_MAX,
      scheduling: 'lifo' as const,
    }
    this.#http = new HttpAgent(options)
    this.#https = new HttpsAgent(options)
  }

  /** Begins a request to `upstream`, whose own path comes before `path`. */
  request(
    upstream: string,
    path: string,
    method: string,
    headers: Readonly<Record<string, string[]>>,
  ): ClientRequest {
    const { protocol, hostname, port, pathname } = new URL(upstream)
    const secure = protocol === 'https:'
    const options = {
      protocol,
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: port || (secure ? 443 : 80),
      path: pathname.replace(/\/$/, '') + path,
      method,
      headers,
      insecureHTTPParser: false,
    }
    return secure
      ? httpsRequest({ ...options, agent: this.#https })
      : httpRequest({ ...options, agent: this.#http })
  }

  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }
}
