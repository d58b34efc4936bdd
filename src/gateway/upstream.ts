import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import type { LookupFunction } from 'node:net'
import { Client } from 'undici'
import { ServerState } from '../upstreams/server-state.ts'
import { portOf } from '../upstreams/upstream-guard.ts'
import { Denial } from './denial.ts'
import type { Place, PlaceRules } from './place.ts'

/** Kept open to one server while nothing uses them. */
const IDLE_CONNECTIONS_MAX = 64
/** Servers whose connections are kept. Of others only those that are used just now. */
const SERVERS_MAX = 1_000
/** What a server says of itself in `Keep-Alive` counts before this. */
const KEEP_ALIVE_MS = 4_000

/** Tenants that must have met with failures before one of the platform's servers is out for all. */
const TENANTS_NEEDED = 3

/** Kept connections to upstream services: each owner has its own, also to the same address. */
export class Upstreams {
  readonly #rules: PlaceRules
  readonly #tenantsNeeded: number
  /** By place, the least recently used first. */
  readonly #servers = new Map<string, UpstreamServer>()

  /** @param tenantsNeeded see `ServerState`, of the platform's servers */
  constructor(rules: PlaceRules, tenantsNeeded: number = TENANTS_NEEDED) {
    this.#rules = rules
    this.#tenantsNeeded = tenantsNeeded
  }

  server(place: Place): UpstreamServer {
    const known = this.#servers.get(place.key)
    if (known !== undefined && this.#servers.size < SERVERS_MAX) return known
    const server = known ?? this.#open(place)
    this.#servers.delete(place.key)
    this.#servers.set(place.key, server)
    if (this.#servers.size > SERVERS_MAX) this.#letOneGo()
    return server
  }

  #open(place: Place): UpstreamServer {
    // Who else would meet with failures of a tenant's own?
    const needed = place.owner === 'platform' ? this.#tenantsNeeded : 1
    return new UpstreamServer(place, this.#rules.lookupOf(place), needed)
  }

  /** Of a tenant's first: nobody drives out the platform's by naming many of its own. */
  #letOneGo(): void {
    const idle = [...this.#servers].filter(([, server]) => !server.isBusy)
    const [key, server] = idle.find(([, { place }]) => place.owner !== 'platform') ?? idle[0] ?? []
    if (key === undefined || server === undefined) return
    this.#servers.delete(key)
    server.close()
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
  readonly place: Place
  readonly state: ServerState
  /** Without a slash at its end. */
  readonly basePath: string
  readonly isSecure: boolean
  /** For Node's client. */
  readonly options: {
    readonly agent: HttpAgent
    readonly hostname: string
    readonly port: number
    readonly insecureHTTPParser: false
    readonly lookup?: LookupFunction
  }
  readonly #origin: string
  readonly #idle: UpstreamConnection[] = []
  readonly #all = new Set<UpstreamConnection>()
  #closed = false

  /** @param lookup for connections; undefined where any address will do */
  constructor(place: Place, lookup: LookupFunction | undefined, tenantsNeeded: number) {
    const { origin, protocol, hostname, pathname } = place.url
    this.place = place
    this.state = new ServerState(tenantsNeeded)
    this.basePath = pathname.replace(/\/$/, '')
    this.isSecure = protocol === 'https:'
    this.options = {
      agent: agentFor(this.isSecure, place.limits.upstreamConnections),
      hostname: hostname.replace(/^\[(.*)\]$/, '$1'),
      port: portOf(place.url),
      insecureHTTPParser: false,
      ...(lookup === undefined ? {} : { lookup }),
    }
    this.#origin = origin
  }

  /** True when it was let go of: there is another now, or will be. */
  get isClosed(): boolean {
    return this.#closed
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
    const { limits } = this.place
    const { lookup } = this.options
    if (this.#all.size >= limits.upstreamConnections) {
      throw new Denial('overloaded', 'the service is busy: try again', 'no connection is free', [
        ['retry-after', '1'],
      ])
    }
    const client = new Client(this.#origin, {
      pipelining: 1,
      // Another protocol would be spoken because the server wishes it.
      allowH2: false,
      keepAliveTimeout: KEEP_ALIVE_MS,
      connect: { timeout: limits.connectMs, ...(lookup === undefined ? {} : { lookup }) },
      headersTimeout: limits.firstByteMs,
      bodyTimeout: limits.idleMs,
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
