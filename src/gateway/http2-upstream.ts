import { type ClientHttp2Session, connect } from 'node:http2'
import { Denial } from './denial.ts'
import type { GatewayLimits } from './limits.ts'

type SessionLimits = Pick<GatewayLimits, 'upstreamConnections' | 'connectMs'>

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

/** Servers that are spoken to in HTTP/2, by URL. */
export class Http2Upstreams {
  readonly #limits: SessionLimits
  readonly #servers = new Map<string, Http2Server>()

  constructor(limits: SessionLimits) {
    this.#limits = limits
  }

  /** @param url its own path comes before the request's */
  server(url: string): Http2Server {
    let server = this.#servers.get(url)
    if (server === undefined) {
      server = new Http2Server(url, this.#limits, () => this.#servers.delete(url))
      this.#servers.set(url, server)
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
  readonly #origin: string
  readonly #limits: SessionLimits
  readonly #onEmpty: () => void
  readonly #kept = new Set<Kept>()

  constructor(url: string, limits: SessionLimits, onEmpty: () => void) {
    const { origin, pathname } = new URL(url)
    this.basePath = pathname.replace(/\/$/, '')
    this.#origin = origin
    this.#limits = limits
    this.#onEmpty = onEmpty
  }

  /** @throws Denial when there may be no more connections */
  take(): Http2Seat {
    for (const kept of this.#kept) {
      const allowed = kept.session.remoteSettings.maxConcurrentStreams ?? STREAMS_MAX
      if (kept.streams < Math.min(allowed, STREAMS_MAX)) return this.#seat(kept, true)
    }
    if (this.#kept.size >= this.#limits.upstreamConnections) {
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
    const session = connect(this.#origin, {
      // Nothing is taken that was not asked for.
      settings: { enablePush: false },
      timeout: this.#limits.connectMs,
    })
    const kept = { session, streams: 0 }
    this.#kept.add(kept)
    const forget = () => {
      this.#kept.delete(kept)
      if (this.#kept.size === 0) this.#onEmpty()
    }
    const tooLate = setTimeout(
      () => session.destroy(new Error('it takes too long to connect')),
      this.#limits.connectMs,
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
