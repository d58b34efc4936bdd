import type { UpstreamConfig } from '../contracts/upstream.ts'
import { BodilessCall } from './bodiless-call.ts'
import { Denial } from './denial.ts'
import { Http2Call } from './http2-call.ts'
import type { Http2Upstreams } from './http2-upstream.ts'
import type { PlaceRules } from './place.ts'
import type { UpstreamAnswer, UpstreamCall } from './upstream-call.ts'
import type { UpstreamServer } from './upstream.ts'

type Health = NonNullable<UpstreamConfig['health']>

/** Servers that are asked, in all and of one tenant: whoever names more has no probes of them. */
const PROBES_MAX = 1_000
const PROBES_OF_TENANT_MAX = 16
/** Milliseconds between probes of a tenant's own servers, at least: we are nobody's flood. */
const TENANTS_INTERVAL_MS = 1_000
const ANSWER_MS_MAX = 5_000
/** A server that no request is meant for is not asked any more, after milliseconds. */
const UNUSED_MS = 60_000
const ANSWER_BYTES_MAX = 64 * 1024
const UNHEALTHY_AFTER = 3
const HEALTHY_AFTER = 2
const LATE = new Error('the probe was not answered in time')

interface Probe {
  readonly server: UpstreamServer
  readonly health: Health
  readonly http2: Http2Upstreams | undefined
  usedAt: number
  /** Bad answers one after another; good ones below 0. */
  bad: number
  timer: NodeJS.Timeout | undefined
  call: UpstreamCall | undefined
}

/** Asks servers from time to time whether they are well, as long as there are requests for them. */
export class Probes {
  readonly #rules: PlaceRules
  readonly #probes = new Map<UpstreamServer, Probe>()

  constructor(rules: PlaceRules) {
    this.#rules = rules
  }

  watch(server: UpstreamServer, health: Health, http2: Http2Upstreams | undefined): void {
    const known = this.#probes.get(server)
    if (known !== undefined) {
      known.usedAt = performance.now()
      return
    }
    const { owner } = server.place
    if (this.#probes.size >= PROBES_MAX) return
    if (owner !== 'platform' && this.#countOf(owner) >= PROBES_OF_TENANT_MAX) return
    const usedAt = performance.now()
    const probe = { server, health, http2, usedAt, bad: 0, timer: undefined, call: undefined }
    this.#probes.set(server, probe)
    this.#wait(probe)
  }

  #countOf(owner: string): number {
    let count = 0
    for (const { place } of this.#probes.keys()) if (place.owner === owner) count += 1
    return count
  }

  #wait(probe: Probe): void {
    const { server, health } = probe
    const least = server.place.owner === 'platform' ? 0 : TENANTS_INTERVAL_MS
    // Not all gateways at the same moment.
    const ms = Math.max(least, health.intervalMs) * (0.8 + 0.4 * Math.random())
    probe.timer = setTimeout(() => this.#ask(probe), ms)
    probe.timer.unref()
  }

  #ask(probe: Probe): void {
    const { server, health, http2, usedAt } = probe
    if (server.isClosed || performance.now() - usedAt > UNUSED_MS) {
      this.#probes.delete(server)
      server.state.isDown = false
      return
    }
    let isTold = false
    const tell = (isGood: boolean) => {
      if (isTold) return
      isTold = true
      clearTimeout(late)
      this.#hear(probe, isGood)
      if (this.#probes.has(server)) this.#wait(probe)
    }
    const late = setTimeout(
      () => {
        probe.call?.abort(LATE)
        tell(false)
      },
      Math.min(health.intervalMs, ANSWER_MS_MAX),
    )
    late.unref()
    const asked = { path: server.basePath + health.path, method: 'GET', headers: [] }
    const answer = answerTo(probe, tell)
    try {
      this.#rules.admit(server.place)
      probe.call =
        http2 === undefined
          ? new BodilessCall(server, asked, answer)
          : new Http2Call(http2.server(server.place), asked, undefined, server.place.limits, answer)
    } catch (error) {
      // That all connections are in use says nothing of the server.
      if (error instanceof Denial && error.code === 'overloaded') tell(!server.state.isDown)
      else tell(false)
    }
  }

  #hear(probe: Probe, isGood: boolean): void {
    const { unhealthyAfter = UNHEALTHY_AFTER, healthyAfter = HEALTHY_AFTER } = probe.health
    probe.bad = isGood ? Math.min(probe.bad, 0) - 1 : Math.max(probe.bad, 0) + 1
    const { state } = probe.server
    if (probe.bad >= unhealthyAfter) state.isDown = true
    else if (-probe.bad >= healthyAfter) state.isDown = false
  }

  close(): void {
    for (const { timer, call } of this.#probes.values()) {
      clearTimeout(timer)
      call?.abort(LATE)
    }
    this.#probes.clear()
  }
}

/** Good is what a server says with 2xx: a redirect is not followed. */
function answerTo(probe: Probe, tell: (isGood: boolean) => void): UpstreamAnswer {
  let isGood = false
  let bytes = 0
  return {
    onHead(_flow, status) {
      isGood = status >= 200 && status < 300
    },
    onData(chunk) {
      bytes += chunk.length
      if (bytes <= ANSWER_BYTES_MAX) return
      probe.call?.abort(LATE)
      tell(isGood)
    },
    onEnd: () => tell(isGood),
    onError: () => tell(false),
  }
}
