import { LRUCache } from 'lru-cache'
import { type Clock, SYSTEM_CLOCK } from './count.ts'
import { DelayControl } from './delay-control.ts'
import { type Entrant, FairGate } from './fair-gate.ts'
import type { Place } from './place.ts'

export interface AdmissionOptions {
  /** Requests under way in this process, and at one upstream at most. */
  readonly seats: number
  /** Requests that wait before one gate, and for how long at most, in milliseconds. */
  readonly queue: number
  readonly queueMs: number
  readonly clock?: Clock
}

/** Which upstream is meant: its owner and its name. */
export type UpstreamKey = string

/** So many an upstream always gets. */
const UPSTREAM_SEATS_MIN = 8
/** Upstreams that are remembered without a request under way there. */
const IDLE_UPSTREAMS = 1_000

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
  readonly #busy = new Map<UpstreamKey, UpstreamGate>()
  readonly #idle = new LRUCache<UpstreamKey, UpstreamGate>({ max: IDLE_UPSTREAMS })

  constructor(options: AdmissionOptions) {
    this.#options = options
    this.#clock = options.clock ?? SYSTEM_CLOCK
    this.#process = new FairGate({ ...options, clock: this.#clock })
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
    const known = this.#busy.get(upstream) ?? this.#idle.get(upstream) ?? this.#open()
    this.#idle.delete(upstream)
    this.#busy.set(upstream, known)
    const { gate, control } = known
    const place = gate.enter(entrant)
    const now = () => this.#clock.now()
    return new Call(place, now, {
      answered: (ms) => {
        control.answered(entrant.tenant, ms, gate, now())
        if (control.limit !== gate.seats) gate.seats = control.limit
      },
      left: () => {
        if (gate.inside > 0 || gate.waiting > 0 || this.#busy.get(upstream) !== known) return
        this.#busy.delete(upstream)
        this.#idle.set(upstream, known)
      },
    })
  }

  #open(): UpstreamGate {
    const { seats } = this.#options
    const control = new DelayControl({ min: Math.min(UPSTREAM_SEATS_MIN, seats), max: seats })
    const gate = new FairGate({ ...this.#options, clock: this.#clock, seats: control.limit })
    return { gate, control }
  }
}

interface CallEvents {
  answered(ms: number): void
  left(): void
}

/** One request at an upstream. */
export class Call {
  readonly #place: Place
  readonly #now: () => number
  readonly #events: CallEvents
  #began: number

  constructor(place: Place, now: () => number, events: CallEvents) {
    this.#place = place
    this.#now = now
    this.#events = events
    this.#began = now()
  }

  get entry(): boolean | Promise<boolean> {
    return this.#place.entry
  }

  /** The request goes to the upstream now. */
  begins(): void {
    this.#began = this.#now()
  }

  /** @param tells false where its delay says nothing about the upstream */
  answered(tells: boolean): void {
    if (this.#place.state !== 'inside') return
    if (tells) this.#events.answered(this.#now() - this.#began)
    this.leave()
  }

  leave(): void {
    this.#place.leave()
    this.#events.left()
  }
}
