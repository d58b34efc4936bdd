import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { Client } from 'undici'
import { Denial } from './denial.ts'
import type { GatewayLimits } from './limits.ts'

/** Kept open to one server while nothing uses them. */
const IDLE_CONNECTIONS_MAX = 64
/** Servers whose connections are kept. Of others only those that are used just now. */
const SERVERS_MAX = 1_000
/** What a server says of itself in `Keep-Alive` counts before this. */
const KEEP_ALIVE_MS = 4_000

type ServerLimits = Pick<
  GatewayLimits,
  'upstreamConnections' | 'connectMs' | 'firstByteMs' | 'idleMs'
>

/** Kept connections to upstream services. */
export class Upstreams {
  readonly #limits: ServerLimits
  /** By URL, the least recently used first. */
  readonly #servers = new Map<string, UpstreamServer>()

  constructor(limits: ServerLimits) {
    this.#limits = limits
  }

  /** @param url its own path comes before the request's */
  server(url: string): UpstreamServer {
    const known = this.#servers.get(url)
    if (known !== undefined && this.#servers.size < SERVERS_MAX) return known
    const server = known ?? new UpstreamServer(url, this.#limits)
    this.#servers.delete(url)
    this.#servers.set(url, server)
    if (this.#servers.size > SERVERS_MAX) this.#letOneGo()
    return server
  }

  #letOneGo(): void {
    for (const [url, server] of this.#servers) {
      if (server.isBusy) continue
      this.#servers.delete(url)
      server.close()
      return
    }
  }

  close(): void {
    for (const server of this.#servers.values()) server.close()
    this.#servers.clear()
  }
}

/** One connection, which is opened when it is first used, and again when the server has closed it. */
export interface UpstreamConnection {
  readonly client: Client
  /** Whether an answer came over it as it is open now. */
  used: boolean
}

/** The connections to one server: each has one request at a time. */
export class UpstreamServer {
  /** Without a slash at its end. */
  readonly basePath: string
  readonly isSecure: boolean
  /** For Node's client. */
  readonly options: {
    readonly agent: HttpAgent
    readonly hostname: string
    readonly port: number
    readonly insecureHTTPParser: false
  }
  readonly #origin: string
  readonly #limits: ServerLimits
  readonly #idle: UpstreamConnection[] = []
  readonly #all = new Set<UpstreamConnection>()
  #closed = false

  constructor(url: string, limits: ServerLimits) {
    const { origin, protocol, hostname, port, pathname } = new URL(url)
    this.basePath = pathname.replace(/\/$/, '')
    this.isSecure = protocol === 'https:'
    this.options = {
      agent: agentFor(this.isSecure, limits.upstreamConnections),
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: Number(port) || (this.isSecure ? 443 : 80),
      insecureHTTPParser: false,
    }
    this.#origin = origin
    this.#limits = limits
  }

  /** Whether anything is under way. */
  get isBusy(): boolean {
    return this.#all.size > this.#idle.length || Object.keys(this.options.agent.sockets).length > 0
  }

  /**
   * A connection that is free for a request without a body: the one that was used last. It must be
   * given back.
   * @throws Denial when there may be no more connections
   */
  take(): UpstreamConnection {
    const idle = this.#idle.pop()
    if (idle !== undefined) return idle
    if (this.#all.size >= this.#limits.upstreamConnections) {
      throw new Denial('overloaded', 'the service is busy: try again', 'no connection is free', [
        ['retry-after', '1'],
      ])
    }
    const client = new Client(this.#origin, {
      pipelining: 1,
      // Another protocol would be spoken because the server wishes it.
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { timeout: this.#limits.connectMs },
      headersTimeout: this.#limits.firstByteMs,
      bodyTimeout: this.#limits.idleMs,
    })
    const connection: UpstreamConnection = { client, used: false }
    client.on('disconnect', () => {
      connection.used = false
    })
    this.#all.add(connection)
    return connection
  }

  /** When its request has ended, whichever way. */
  giveBack(connection: UpstreamConnection): void {
    if (!this.#closed && this.#idle.length < IDLE_CONNECTIONS_MAX) {
      this.#idle.push(connection)
      return
    }
    this.#all.delete(connection)
    if (!this.#closed) void connection.client.close()
  }

  /** Lets go of all connections. What is under way is ended. */
  close(): void {
    this.#closed = true
    for (const { client } of this.#all) void client.destroy()
    this.#all.clear()
    this.#idle.length = 0
    this.options.agent.destroy()
  }
}

function agentFor(isSecure: boolean, connectionsMax: number): HttpAgent {
  const options = {
    keepAlive: true,
    maxSockets: connectionsMax,
    maxFreeSockets: IDLE_CONNECTIONS_MAX,
    scheduling: 'lifo' as const,
  }
  return isSecure ? new HttpsAgent(options) : new HttpAgent(options)
}
