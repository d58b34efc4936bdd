import { type Clock, SYSTEM_CLOCK } from './count.ts'
import { DelayControl } from './delay-control.ts'
import { type Entrant, FairGate } from './fair-gate.ts'
import { loopLag } from './loop-lag.ts'
import type { Place } from './place.ts'

export interface AdmissionOptions {
  /** Requests under way in this process, and at one upstream at most. */
  readonly seats: number
  /** Requests that wait before one gate, and for how long at most, in milliseconds. */
  readonly queue: number
  readonly queueMs: number
  readonly clock?: Clock
  /** By how much this process is late itself, in milliseconds. */
  readonly lag?: () => number
}

/** Which upstream is meant: its owner and its name. */
export type UpstreamKey = string

/** So many an upstream always gets. */
const UPSTREAM_SEATS_MIN = 8
/** With so many upstreams, those are forgotten where nothing is under way. */
const UPSTREAMS = 2_000

interface UpstreamGate {
  readonly gate: FairGate
  readonly control: DelayControl
}

/**
 * Who may go on when there is more than can be done at once: first into the process, whose seats are
 * held until a request has ended, then to an upstream, until it begins to answer. How many the
 * upstream takes is found out as it goes.
 */
export class Admission {
  readonly #options: AdmissionOptions
  readonly #clock: Clock
  readonly #process: FairGate
  readonly #upstreams = new Map<UpstreamKey, UpstreamGate>()

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.#process = new FairGate({ ...options, clock: this.#clock })
  }

  /** How full the process is now. */
  get load(): { readonly used: number; readonly limit: number; readonly waiting: number } {
    const { inside: used, seats: limit, waiting } = this.#process
    return { used, limit, waiting }
  }

  /** Requests under way in this process at most. */
  get seats(): number {
    return this.#process.seats
  }

  /** A seat in this process. */
  enter(entrant: Entrant): Place {
    return this.#process.enter(entrant)
  }

  /** A place at an upstream. */
  call(entrant: Entrant, upstream: UpstreamKey): Call {
    const known = this.#upstreams.get(upstream) ?? this.#open(upstream)
    return new Call(known, known.gate.enter(entrant), this.#clock, this.#options.lag ?? loopLag)
  }

  #open(upstream: UpstreamKey): UpstreamGate {
    if (this.#upstreams.size >= UPSTREAMS) this.#forgetIdle()
    const { seats } = this.#options
    const control = new DelayControl({ min: Math.min(UPSTREAM_SEATS_MIN, seats), max: seats })
    const gate = new FairGate({ ...this.#options, clock: this.#clock, seats: control.limit })
    this.#upstreams.set(upstream, { gate, control })
    return { gate, control }
  }

  #forgetIdle(): void {
    for (const [upstream, { gate }] of this.#upstreams) {
      if (gate.inside === 0 && gate.waiting === 0) this.#upstreams.delete(upstream)
    }
  }
}

/** One request at an upstream. */
export class Call {
  readonly #upstream: UpstreamGate
  readonly #place: Place
  readonly #clock: Clock
  readonly #lag: () => number
  #began: number

  constructor(upstream: UpstreamGate, place: Place, clock: Clock, lag: () => number) {
    this.#upstream = upstream
    this.#place = place
    this.#clock = clock
    this.#lag = lag
    this.#began = clock.now()
  }

  get entry(): boolean | Promise<boolean> {
    return this.#place.entry
  }

  /** The request goes to the upstream now. */
  begins(): void {
    this.#began = this.#clock.now()
  }

  /** @param tells false where its delay says nothing about the upstream */
  answered(tells: boolean): void {
    if (this.#place.state !== 'inside') return
    if (tells) {
      const { gate, control } = this.#upstream
      const now = this.#clock.now()
      // What was late here is no sign of the upstream's: the request as it went, the answer as it came.
      const ms = Math.max(0, now - this.#began - 2 * this.#lag())
      control.answered(this.#place.flow.tenant, ms, gate, now)
      if (control.limit !== gate.seats) gate.seats = control.limit
    }
    this.leave()
  }

  leave(): void {
    this.#place.leave()
  }
}
