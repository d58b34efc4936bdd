import type { Demand } from './demand.ts'
import type { LeaseClient } from './lease-client.ts'
import type { LeaseLogin } from './lease-login.ts'

/** One open session. It belongs to one login, and so to one tenant, for its whole life. */
export interface PooledSession {
  readonly seat: TenantSeat
  readonly login: LeaseLogin
  readonly client: LeaseClient
  state: 'busy' | 'idle' | 'ending'
  /** Since when it is in its state. Milliseconds since 1970. */
  since: number
}

/** What the pool knows and holds of one tenant (in one scope). */
export class TenantSeat {
  readonly key: string
  /** Of the newest lease that is not known to be refused. */
  login: LeaseLogin | undefined
  /** The session used last is at the end, and is lent first. */
  readonly idle: PooledSession[] = []
  busy = 0
  /** Those of the busy ones that were given back and are not ready yet. */
  returning = 0
  opening = 0
  /** True from when sessions were closed for want of use until somebody asks again. */
  quiet = false

  constructor(key: string) {
    this.key = key
  }

  /** Sessions, with those being opened. */
  get total(): number {
    return this.idle.length + this.busy + this.opening
  }

  /** Notes that one more session is asked for than are busy. */
  noteDemand(demand: Demand): void {
    demand.note(this.#depth(this.busy))
  }

  /** How often the tenant's last session was needed lately, beside its other ones. */
  worthOfLast(demand: Demand): number {
    return demand.of(this.#depth(this.total - 1))
  }

  /** How often a first session would have been needed lately. */
  worthOfFirst(demand: Demand): number {
    return demand.of(this.#depth(0))
  }

  #depth(depth: number): string {
    return `${this.key}/${depth}`
  }
}
