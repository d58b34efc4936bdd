import { type CalendarPeriod, periodAt } from './calendar-period.ts'
import type { Clock, Count, Taken } from './count.ts'
import type { LimitKey } from './limit-key.ts'
import { QuotaCount } from './quota-count.ts'
import { RateCount } from './rate-count.ts'
import type { Grant, SharedSpec, SharedStore } from './shared-store.ts'

/** All gateways together hold at most this part of a rate's burst, or of what a second brings. */
export const RESERVED_PART_OF_RATE = 0.1
/** The same of a quota. */
export const RESERVED_PART_OF_QUOTA = 0.01
/** After it got less than it asked for, a gateway asks for the same limit again no sooner than this. */
const POLL_MS = 10
/** Where a quota is used up it may still be given back. */
const QUOTA_POLL_MS = 1_000
/** A second time for those who came while it was being asked. */
const TURNS = 2

const EVER: CalendarPeriod = { start: 0, end: Number.POSITIVE_INFINITY }

/**
 * One limit that gateways share. Each takes some of it in advance and serves from that without
 * asking, so that a request waits for the store only when there is nothing in hand. What was taken in
 * advance is counted already: in any window all of them together are over the limit by no more than
 * what they had in hand when it began. While the store is away, each keeps to its part of the limit.
 */
export class Reserve implements Count<SharedSpec> {
  #spec: SharedSpec
  readonly #key: LimitKey
  readonly #store: SharedStore
  readonly #clock: Clock
  #period: CalendarPeriod
  /** In hand. Less than none: used without having been taken. */
  #left = 0
  #needed = 0
  #asking: Promise<void> | undefined
  #askAfter = 0
  #usedAt: number
  #last: Grant | undefined
  #lastAt = 0
  /** While the store is away. */
  #alone: RateCount | QuotaCount | undefined

  constructor(key: LimitKey, spec: SharedSpec, store: SharedStore, clock: Clock) {
    this.#key = key
    this.#spec = spec
    this.#store = store
    this.#clock = clock
    this.#usedAt = clock.now()
    this.#period = this.#periodNow()
  }

  adopt(spec: SharedSpec): boolean {
    if (spec === this.#spec) return true
    const before = this.#spec
    if (spec.kind !== before.kind) return false
    if (spec.kind === 'quota' && before.kind === 'quota' && spec.period !== before.period) {
      return false
    }
    this.#spec = spec
    this.#last = undefined
    const share = this.#share()
    if (this.#alone instanceof RateCount && share.kind === 'rate') this.#alone.adopt(share)
    if (this.#alone instanceof QuotaCount && share.kind === 'quota') this.#alone.adopt(share)
    return true
  }

  look(amount: number): Taken {
    this.#turn()
    if (this.#left >= amount) return this.#standing(true)
    if (this.#store.away) return this.#standIn().look(amount)
    const allowed = this.#asking !== undefined || this.#clock.now() >= this.#askAfter
    return this.#standing(allowed)
  }

  has(amount: number): boolean {
    return this.look(amount).allowed
  }

  take(amount: number): Taken | Promise<Taken> {
    this.#turn()
    this.#usedAt = this.#clock.now()
    if (this.#left >= amount) {
      this.#left -= amount
      if (this.#left < this.#spare / 2 && this.#mayAsk) void this.#ask()
      return this.#standing(true)
    }
    if (this.#store.away) return this.#standIn().take(amount)
    if (this.#asking === undefined && !this.#mayAsk) return this.#standing(false)
    return this.#wait(amount)
  }

  giveBack(amount: number): void {
    this.#turn()
    this.#left += amount
  }

  settle(amount: number): Taken {
    this.#turn()
    if (this.#left < amount && this.#store.away) {
      this.#standIn().settle(amount)
    } else {
      this.#left -= amount
      if (this.#left < 0 && this.#asking === undefined) void this.#ask()
    }
    return this.look(0)
  }

  /** What is in hand is lost with it: after so long a rate would have it all again. */
  get idle(): boolean {
    if (this.#asking !== undefined || this.#needed > 0 || this.#left < 0) return false
    if (this.#clock.now() < this.#askAfter) return false
    if (this.#alone?.idle === false) return false
    const spec = this.#spec
    if (spec.kind === 'quota') return this.#left === 0 || this.#clock.wall() >= this.#period.end
    return this.#left === 0 || this.#clock.now() - this.#usedAt > spec.everyMs * spec.burst
  }

  /** Gives back what of a quota is in hand. A rate has it again soon. */
  async close(): Promise<void> {
    await this.#asking
    if (this.#left > 0 && this.#spec.kind === 'quota' && !this.#store.away) {
      const left = this.#left
      this.#left = 0
      await this.#take({ need: 0, spare: 0, owed: -left }).catch(() => undefined)
    }
  }

  async #wait(amount: number): Promise<Taken> {
    this.#needed += amount
    try {
      for (let turn = 0; turn < TURNS; turn += 1) {
        await (this.#asking ?? this.#ask())
        if (this.#left >= amount) {
          this.#left -= amount
          return this.#standing(true)
        }
        if (this.#store.away) return this.#standIn().take(amount)
        if (!this.#mayAsk) break
      }
      return this.#standing(false)
    } finally {
      this.#needed -= amount
    }
  }

  get #mayAsk(): boolean {
    return this.#asking === undefined && this.#clock.now() >= this.#askAfter
  }

  /** Does not reject: when nothing comes of it, the store is away. */
  #ask(): Promise<void> {
    const asking = this.#asked().finally(() => {
      this.#asking = undefined
      // More was used meanwhile than it knew of when it asked.
      if (this.#left < 0 && !this.#store.away) void this.#ask()
    })
    this.#asking = asking
    return asking
  }

  async #asked(): Promise<void> {
    const period = this.#period
    const alone = this.#alone
    const debt = Math.max(0, -this.#left)
    const owed = debt + usedAlone(alone)
    const inHand = Math.max(0, this.#left)
    const need = Math.max(0, this.#needed - inHand)
    const spare = Math.max(0, this.#spare - Math.max(0, inHand - this.#needed))
    try {
      const grant = await this.#take({ need, spare, owed })
      // What was taken of a period that is over is of no use in this one.
      if (this.#period !== period) return
      this.#left += grant.granted + debt
      if (this.#alone === alone) this.#alone = undefined
      this.#last = grant
      this.#lastAt = this.#clock.now()
      if (grant.remaining < 1) {
        const most = this.#spec.kind === 'quota' ? QUOTA_POLL_MS : Number.POSITIVE_INFINITY
        this.#askAfter = this.#lastAt + Math.max(POLL_MS, Math.min(most, grant.waitMs))
      }
    } catch {
      // The store has said that it is away.
    }
  }

  #take(wish: { readonly need: number; readonly spare: number; readonly owed: number }) {
    const { start, end } = this.#period
    const isQuota = this.#spec.kind === 'quota'
    const key = isQuota ? `${this.#key} ${start}` : this.#key
    return this.#store.take(key, this.#spec, wish, isQuota ? end - this.#clock.wall() : 0)
  }

  /** What this gateway has in hand at most. */
  get #spare(): number {
    const spec = this.#spec
    const whole =
      spec.kind === 'quota'
        ? spec.amount * RESERVED_PART_OF_QUOTA
        : Math.max(spec.burst, 1000 / spec.everyMs) * RESERVED_PART_OF_RATE
    const own = Math.floor(whole / this.#store.replicas)
    // One in hand would be one too many where there is room for none.
    return own > 1 ? own : 0
  }

  /** This gateway's part of the limit, counted by itself. */
  #standIn(): RateCount | QuotaCount {
    if (this.#alone === undefined) {
      const share = this.#share()
      this.#alone =
        share.kind === 'rate'
          ? new RateCount(share, this.#clock)
          : new QuotaCount(share, this.#clock)
    }
    return this.#alone
  }

  #share(): SharedSpec {
    const spec = this.#spec
    const { replicas } = this.#store
    if (spec.kind === 'rate') {
      const burst = Math.max(1, Math.floor(spec.burst / replicas))
      return { ...spec, everyMs: spec.everyMs * replicas, burst }
    }
    return { ...spec, amount: Math.floor((this.#last?.remaining ?? spec.amount) / replicas) }
  }

  #standing(allowed: boolean): Taken {
    const now = this.#clock.now()
    const remaining = Math.max(0, this.#left) + (this.#last?.remaining ?? 0)
    const resetMs =
      this.#spec.kind === 'quota'
        ? Math.max(0, this.#period.end - this.#clock.wall())
        : Math.max(0, (this.#last?.resetMs ?? 0) - (now - this.#lastAt))
    if (allowed) return { allowed, remaining, resetMs, waitMs: 0 }
    const spent = this.#spec.kind === 'quota' ? resetMs : 0
    return { allowed, remaining: 0, resetMs, waitMs: Math.max(spent, this.#askAfter - now) }
  }

  #periodNow(): CalendarPeriod {
    return this.#spec.kind === 'quota' ? periodAt(this.#spec.period, this.#clock.wall()) : EVER
  }

  #turn(): void {
    if (this.#clock.wall() < this.#period.end) return
    this.#period = this.#periodNow()
    this.#left = 0
    this.#askAfter = 0
    this.#last = undefined
    this.#alone = undefined
  }
}

function usedAlone(alone: RateCount | QuotaCount | undefined): number {
  if (alone instanceof RateCount) return Math.ceil(alone.outstanding)
  return alone?.used ?? 0
}
