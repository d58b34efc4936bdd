import { type ClientHttp2Session, connect } from 'node:http2'
import type { LookupFunction } from 'node:net'
import { Denial } from './denial.ts'
import type { Place, PlaceRules } from './place.ts'

/** Streams on one connection at most, whatever a server allows: one that breaks takes no more with it. */
const STREAMS_MAX = 100
const IDLE_MS = 60_000

interface Kept {
  readonly session: ClientHttp2Session
  streams: number
}

/** A connection with room for one more request. */
export interface Http2Seat {
  readonly session: ClientHttp2Session
  /** True when it has carried requests before. */
  readonly isUsed: boolean
  /** When the request has ended, whichever way. */
  leave(): void
}

/** Servers that are spoken to in HTTP/2. Each owner has its own connections, also to the same address. */
export class Http2Upstreams {
  readonly #rules: PlaceRules
  readonly #servers = new Map<string, Http2Server>()

  constructor(rules: PlaceRules) {
    this.#rules = rules
  }

  server(place: Place): Http2Server {
    const { key } = place
    let server = this.#servers.get(key)
    if (server === undefined) {
      const lookup = this.#rules.lookupOf(place)
      server = new Http2Server(place, lookup, () => this.#servers.delete(key))
      this.#servers.set(key, server)
    }
    return server
  }

  close(): void {
    for (const server of this.#servers.values()) server.close()
  }
}

/** The connections to one server. Nobody waits on one that is full: there would be others' streams to wait for. */
export class Http2Server {
  /** Without a slash at its end. */
  readonly basePath: string
  readonly #place: Place
  readonly #lookup: LookupFunction | undefined
  readonly #onEmpty: () => void
  readonly #kept = new Set<Kept>()

  /** @param lookup for connections; undefined where any address will do */
  constructor(place: Place, lookup: LookupFunction | undefined, onEmpty: () => void) {
    this.basePath = place.url.pathname.replace(/\/$/, '')
    this.#place = place
    this.#lookup = lookup
    this.#onEmpty = onEmpty
  }

  /** @throws Denial when there may be no more connections */
  take(): Http2Seat {
    for (const kept of this.#kept) {
      const allowed = kept.session.remoteSettings.maxConcurrentStreams ?? STREAMS_MAX
      if (kept.streams < Math.min(allowed, STREAMS_MAX)) return this.#seat(kept, true)
    }
    if (this.#kept.size >= this.#place.limits.upstreamConnections) {
      throw new Denial('overloaded', 'the service is busy: try again', 'no stream is free', [
        ['retry-after', '1'],
      ])
    }
    return this.#seat(this.#open(), false)
  }

  #seat(kept: Kept, isUsed: boolean): Http2Seat {
    kept.streams += 1
    let isHeld = true
    return {
      session: kept.session,
      isUsed,
      leave() {
        if (!isHeld) return
        isHeld = false
        kept.streams -= 1
      },
    }
  }

  #open(): Kept {
    const { connectMs } = this.#place.limits
    const session = connect(this.#place.url.origin, {
      // Nothing is taken that was not asked for.
      settings: { enablePush: false },
      timeout: connectMs,
      ...(this.#lookup === undefined ? {} : { lookup: this.#lookup }),
    })
    const kept = { session, streams: 0 }
    this.#kept.add(kept)
    const forget = () => {
      this.#kept.delete(kept)
      if (this.#kept.size === 0) this.#onEmpty()
    }
    const tooLate = setTimeout(
      () => session.destroy(new Error('it takes too long to connect')),
      connectMs,
    )
    session.once('connect', () => clearTimeout(tooLate))
    session.setTimeout(IDLE_MS, () => {
      if (kept.streams === 0) session.close()
    })
    // What is under way goes on to its end, and nothing new begins.
    session.once('goaway', forget)
    session.once('close', () => {
      clearTimeout(tooLate)
      forget()
    })
    // Its streams are told.
    session.on('error', () => undefined)
    return kept
  }

  close(): void {
    for (const { session } of this.#kept) session.destroy()
  }
}
