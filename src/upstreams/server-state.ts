import type { TenantId } from '../core/tenant.ts'

/**
 * What went wrong with a request. `unreached`: no connection was made, which no request can be the
 * cause of. `unanswered`: it broke off or took too long. `bad`: the server said 5xx.
 */
export type Failure = 'unreached' | 'unanswered' | 'bad'

/** Failures one after another that take a server out. */
const FAILURES = 5
/** Milliseconds that it is out: doubled each time, up to the longest. */
const OUT_MS = 5_000
const OUT_MS_MAX = 300_000
/** Without a failure for so long it is as good as new. */
const FORGET_MS = 600_000
/** Requests that find out at once whether it is well again; one of each tenant at most. */
const TRIALS = 8
/** Who failed is told apart up to so many. */
const TENANTS_MAX = 64

/**
 * How one server does, by what comes of requests: a circuit breaker that is `broken` for requests that
 * got no answer, and `ejected` for bad answers.
 *
 * A request that brings down whoever serves it, or always gets an error, is not the server's fault, and
 * its sender must not take the server from the others: other failures than to connect count only when
 * so many tenants met with them one after another, none of whom was served between.
 */
export class ServerState {
  /** Requests under way. */
  active = 0
  /** What probes say, where there are any. */
  isDown = false
  readonly #tenantsNeeded: number
  readonly #now: () => number
  readonly #failed = new Set<TenantId>()
  readonly #trying = new Set<TenantId>()
  #failures = 0
  #unreached = 0
  /** 0 while it is in. */
  #outUntil = 0
  #isBroken = false
  #outs = 0
  #lastOut = 0

  /** @param tenantsNeeded tenants who must have met with failures before it is out */
  constructor(tenantsNeeded: number, now: () => number = () => performance.now()) {
    this.#tenantsNeeded = tenantsNeeded
    this.#now = now
  }

  /** Whether it is out for a tenant's requests, and for which kind of failure. */
  outFor(tenant: TenantId): 'no' | 'broken' | 'ejected' {
    if (this.#outUntil === 0) return 'no'
    const isOpen = this.#now() >= this.#outUntil
    if (isOpen && this.#trying.size < TRIALS && !this.#trying.has(tenant)) return 'no'
    return this.#isBroken ? 'broken' : 'ejected'
  }

  /** A request goes to it. */
  begin(tenant: TenantId): void {
    this.active += 1
    if (this.#outUntil !== 0) this.#trying.add(tenant)
  }

  /** What came of a tenant's request, as soon as that is known. */
  judge(tenant: TenantId, outcome: Failure | 'served'): void {
    if (this.#outUntil !== 0) this.#trying.delete(tenant)
    if (outcome !== 'served') this.#fail(tenant, outcome)
    else if (this.#failures !== 0 || this.#outUntil !== 0) this.#recover()
  }

  /** The request has ended, whether or not anything came of it. */
  end(tenant: TenantId): void {
    this.active -= 1
    if (this.#outUntil !== 0) this.#trying.delete(tenant)
  }

  #recover(): void {
    this.#failures = 0
    this.#unreached = 0
    this.#failed.clear()
    this.#trying.clear()
    this.#outUntil = 0
  }

  #fail(tenant: TenantId, failure: Failure): void {
    const now = this.#now()
    // What was sent before it was taken out says nothing new.
    if (now < this.#outUntil) return
    this.#failures += 1
    if (failure === 'unreached') this.#unreached += 1
    if (failure === 'bad') this.#isBroken = false
    else if (this.#failures === 1) this.#isBroken = true
    if (this.#failed.size < TENANTS_MAX) this.#failed.add(tenant)
    const isTrial = this.#outUntil !== 0
    const enough = isTrial ? 1 : FAILURES
    const isItsOwn = this.#failed.size >= this.#tenantsNeeded && this.#failures >= enough
    if (isItsOwn || this.#unreached >= enough) this.#takeOut(now)
  }

  #takeOut(now: number): void {
    if (now - this.#lastOut > FORGET_MS) this.#outs = 0
    this.#outUntil = now + Math.min(OUT_MS * 2 ** this.#outs, OUT_MS_MAX)
    this.#lastOut = this.#outUntil
    this.#outs += 1
    this.#failures = 0
    this.#unreached = 0
    this.#failed.clear()
    this.#trying.clear()
  }
}
