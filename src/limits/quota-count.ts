import { type CalendarPeriod, periodAt, type PeriodName } from './calendar-period.ts'
import type { Clock, Count, Taken } from './count.ts'

export interface QuotaSpec {
  readonly kind: 'quota'
  readonly amount: number
  readonly period: PeriodName
}

/** So much in a period of the calendar. */
export class QuotaCount implements Count<QuotaSpec> {
  #spec: QuotaSpec
  readonly #clock: Clock
  #period: CalendarPeriod
  #used = 0

  constructor(spec: QuotaSpec, clock: Clock) {
    this.#spec = spec
    this.#clock = clock
    this.#period = periodAt(spec.period, clock.wall())
  }

  /** A period of another length begins from nothing. */
  adopt(spec: QuotaSpec): boolean {
    if (spec.period !== this.#spec.period) return false
    this.#spec = spec
    return true
  }

  look(amount: number): Taken {
    return this.#standing(amount, this.#turn())
  }

  has(amount: number): boolean {
    this.#turn()
    return amount <= Math.max(0, this.#spec.amount - this.#used)
  }

  #standing(amount: number, now: number): Taken {
    const remaining = Math.max(0, this.#spec.amount - this.#used)
    const allowed = amount <= remaining
    const resetMs = Math.max(0, this.#period.end - now)
    return { allowed, remaining, resetMs, waitMs: allowed ? 0 : resetMs }
  }

  take(amount: number): Taken {
    const taken = this.look(amount)
    if (taken.allowed) this.#used += amount
    return taken
  }

  giveBack(amount: number): void {
    this.#turn()
    this.#used = Math.max(0, this.#used - amount)
  }

  settle(amount: number): Taken {
    const now = this.#turn()
    this.#used += amount
    return this.#standing(0, now)
  }

  /** In the period that it is. */
  get used(): number {
    this.#turn()
    return this.#used
  }

  get idle(): boolean {
    return this.#used === 0 || this.#clock.wall() >= this.#period.end
  }

  /** A clock that was set back begins no period anew: what was used there stays used. */
  #turn(): number {
    const now = this.#clock.wall()
    if (now >= this.#period.end) {
      this.#period = periodAt(this.#spec.period, now)
      this.#used = 0
    }
    return now
  }
}
