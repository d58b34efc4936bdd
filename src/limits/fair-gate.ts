import type { TenantId } from '../core/tenant.ts'
import type { Clock } from './count.ts'
import { Flow, Place } from './place.ts'
import { WaitingLine } from './waiting-line.ts'

/** On whose behalf a place is asked for. */
export interface Entrant {
  readonly tenant: TenantId
  /** Its share of what is scarce, relative to others'. */
  readonly weight: number
}

export interface FairGateOptions {
  /** Requests inside at once. */
  readonly seats: number
  /** Requests that wait, in all. */
  readonly queue: number
  /** How long each waits at most, in milliseconds. */
  readonly queueMs: number
  readonly clock: Clock
}

/** Timers that fire so much too late tell that nothing else was done meanwhile either. */
const STILL_MS = 25
/** A tenant with no more weight than others takes at most so many times the seats that stay free. */
const HEADROOM = 8

/**
 * Lets so many requests in at once, and divides the places fairly among tenants.
 *
 * Who waits is let in by start-time fair queueing with many servers (SFQ(D): Jin, Chase, Kaur 2004,
 * after Goyal, Vin, Cheng 1996): each tenant's virtual time runs by 1 / weight with each request, and
 * the one that is furthest behind is next. A tenant cannot take the last seats, however many it asks
 * for: its share is bounded by what stays free (dynamic thresholds: Choudhury, Hahne 1998), so that
 * one who comes after it does not wait for it. When too many wait, those are refused who wait in the
 * longest queue for its weight.
 */
export class FairGate {
  readonly #options: FairGateOptions
  readonly #flows = new Map<TenantId, Flow>()
  /** All who wait, in order of arrival. */
  readonly #waiting = new WaitingLine()
  #seats: number
  #inside = 0
  #weights = 0
  /** Virtual time. */
  #time = 0
  #timer: NodeJS.Timeout | undefined
  readonly #onLeave = (place: Place) => this.#leave(place)

  constructor(options: FairGateOptions) {
    this.#options = options
    this.#seats = options.seats
  }

  get seats(): number {
    return this.#seats
  }

  set seats(seats: number) {
    this.#seats = seats
    this.#fill()
  }

  get inside(): number {
    return this.#inside
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** The place may be one to wait for, or none at all: look at its `entry`. Leave it in any case. */
  enter({ tenant, weight }: Entrant): Place {
    const flow = this.#flowOf(tenant, weight)
    const place = new Place(flow, this.#onLeave)
    if (flow.waiting.length === 0 && this.#mayEnter(flow)) {
      this.#seat(place)
      return place
    }
    place.wait(this.#options.clock.now() + this.#options.queueMs)
    flow.waiting.push(place)
    this.#waiting.add(place)
    if (this.#waiting.size > this.#options.queue) this.#shed()
    this.#watch()
    return place
  }

  #flowOf(tenant: TenantId, weight: number): Flow {
    let flow = this.#flows.get(tenant)
    if (flow === undefined) {
      flow = new Flow(tenant, weight)
      this.#flows.set(tenant, flow)
      this.#weights += weight
    } else if (flow.weight !== weight) {
      this.#weights += weight - flow.weight
      flow.weight = weight
    }
    return flow
  }

  #mayEnter(flow: Flow): boolean {
    const free = this.#seats - this.#inside
    if (free < 1) return false
    if (flow.inside === 0) return true
    const share = (flow.weight * this.#flows.size) / this.#weights
    return flow.inside + 1 <= HEADROOM * share * (free - 1)
  }

  #seat(place: Place): void {
    const { flow } = place
    const start = Math.max(this.#time, flow.finish)
    this.#time = start
    flow.finish = start + 1 / flow.weight
    flow.inside += 1
    this.#inside += 1
    place.seat()
  }

  /** Lets in as many of those who wait as may enter. */
  #fill(): void {
    while (this.#waiting.size > 0 && this.#inside < this.#seats) {
      let next: Flow | undefined
      for (const flow of this.#flows.values()) {
        if (flow.waiting.length === 0 || !this.#mayEnter(flow)) continue
        if (next === undefined || this.#startOf(flow) < this.#startOf(next)) next = flow
      }
      const place = next?.waiting.shift()
      if (place === undefined) break
      this.#waiting.delete(place)
      this.#seat(place)
    }
    this.#watch()
  }

  #startOf(flow: Flow): number {
    return Math.max(this.#time, flow.finish)
  }

  /** Refuses the one who came last to the longest queue for its weight. */
  #shed(): void {
    let longest: Flow | undefined
    for (const flow of this.#flows.values()) {
      if (longest === undefined || flow.length > longest.length) longest = flow
    }
    const place = longest?.waiting.at(-1)
    if (place !== undefined) this.#refuse(place)
  }

  #refuse(place: Place): void {
    this.#forget(place)
    place.refuse()
  }

  #forget(place: Place): void {
    const { flow } = place
    this.#waiting.delete(place)
    const index = flow.waiting.indexOf(place)
    if (index >= 0) flow.waiting.splice(index, 1)
    this.#drop(flow)
  }

  #leave(place: Place): void {
    if (place.state === 'waiting') {
      this.#forget(place)
      return
    }
    place.flow.inside -= 1
    this.#inside -= 1
    this.#drop(place.flow)
    this.#fill()
  }

  #drop(flow: Flow): void {
    if (flow.inside > 0 || flow.waiting.length > 0) return
    this.#flows.delete(flow.tenant)
    this.#weights = this.#flows.size === 0 ? 0 : this.#weights - flow.weight
  }

  /** One timer, for the one who has waited longest. */
  #watch(): void {
    const { first } = this.#waiting
    // One that is set already comes too early at most: it looks, and is set again.
    if (first === undefined || this.#timer !== undefined) return
    const ms = Math.max(1, Math.ceil(first.until - this.#options.clock.now()))
    const due = this.#options.clock.now() + ms
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#expire(due)
    }, ms)
    this.#timer.unref()
  }

  #expire(due: number): void {
    const now = this.#options.clock.now()
    const late = now - due
    // The process itself stood still: who had left by then has not been heard of yet.
    if (late > STILL_MS) for (const place of this.#waiting.all()) place.until += late
    for (const place of this.#waiting.all()) {
      if (place.until > now) break
      this.#refuse(place)
    }
    this.#watch()
  }
}
