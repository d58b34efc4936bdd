import type pg from 'pg'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import { Demand } from './demand.ts'
import type { LeaseClient } from './lease-client.ts'
import { LeaseLogin, type PooledLease } from './lease-login.ts'
import { checkedOptions, type TenantPoolOptions, type TenantPoolStats } from './pool-options.ts'
import { SpareSockets } from './spare-sockets.ts'
import { type PooledSession, TenantSeat } from './tenant-seat.ts'
import { WaitQueue, type Waiter } from './wait-queue.ts'

/** Observations after which demand is halved, for each session of the budget. */
const SAMPLE_PER_SESSION = 32
/** After this wait a tenant's request goes before other tenants' that could be served sooner. */
const FAIR_AFTER_MS = 250
const UPKEEP_EVERY_MS = 1_000
const HANG_UP_MS_MAX = 5_000
/** Logins for one request: the second is with the lease that took the place of a refused one. */
const ATTEMPTS_MAX = 2
/** Logins at a time that nobody waits for. */
const AHEAD_MAX = 4

/**
 * Sessions of many tenants on one server, under one budget. A session belongs to one tenant's login
 * for life, so nothing in it can pass from one tenant to another. Which tenants keep a session is
 * decided by how often they were asked for lately. A few places stay free, so that a request of a
 * tenant without a session starts to log in at once and never waits for another's session to close.
 */
export class TenantPool<K extends string = TenantId> {
  readonly #options: Required<TenantPoolOptions<K>>
  readonly #seats = new Map<string, TenantSeat>()
  readonly #waiting = new WaitQueue<TenantSeat, PooledSession>()
  readonly #demand: Demand
  readonly #spares: SpareSockets
  readonly #upkeep: NodeJS.Timeout
  /** Places taken: sessions that are being opened, busy, idle, or not yet gone from the server. */
  #taken = 0
  #ending = 0
  #openingAhead = 0
  #emptied: (() => void) | undefined
  #closing: Promise<void> | undefined
  readonly #counts = { hits: 0, misses: 0, opened: 0, evicted: 0, sessionsPeak: 0 }

  constructor(options: TenantPoolOptions<K>) {
    this.#options = checkedOptions(options)
    this.#demand = new Demand(SAMPLE_PER_SESSION * options.sessionsMax)
    this.#spares = new SpareSockets(this.#options.spareSockets)
    this.#upkeep = setInterval(() => this.#keepUp(), UPKEEP_EVERY_MS).unref()
  }

  /**
   * Runs `work` with a session of the tenant's (in the scope that the key names). It must not use the session after it has settled.
   * Settings and an open transaction that it leaves behind are undone.
   * @throws RingfenceError `overloaded` (too many requests wait), `timed_out` (no session came free),
   *   `lease_denied`, `engine_unavailable`, what the lease source throws; and what `work` throws
   */
  async use<T>(key: K, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const session = await this.#borrow(key)
    try {
      return await work(session.client)
    } finally {
      void this.#giveBack(session)
    }
  }

  stats(): TenantPoolStats {
    return { ...this.#counts, sessions: this.#taken, waiting: this.#waiting.size }
  }

  /** Refuses new and waiting requests, and resolves when all sessions have been given back and ended. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#upkeep)
    this.#spares.close()
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve
    })
    for (const waiter of this.#waiting) {
      if (this.#waiting.remove(waiter)) waiter.reject(closed())
    }
    for (const seat of this.#seats.values()) {
      for (const session of [...seat.idle]) this.#end(session)
    }
    if (this.#taken > 0) await emptied
  }

  async #borrow(key: K): Promise<PooledSession> {
    if (this.#closing !== undefined) throw closed()
    const lease = await this.#options.lease(key)
    if (this.#closing !== undefined) throw closed()
    const seat = this.#seatOf(key, lease)
    seat.quiet = false
    seat.noteDemand(this.#demand)
    for (let session = seat.idle.pop(); session !== undefined; session = seat.idle.pop()) {
      if (!session.client.ended && session.login.retireAt > Date.now()) {
        this.#counts.hits += 1
        return lent(session)
      }
      this.#end(session)
    }
    this.#counts.misses += 1
    return this.#wait(seat)
  }

  #seatOf(key: string, lease: PooledLease): TenantSeat {
    const seat = this.#seats.get(key) ?? new TenantSeat(key)
    this.#seats.set(key, seat)
    if (seat.login?.leaseId !== lease.lease_id) {
      seat.login = new LeaseLogin(lease, this.#options.session, this.#options.route)
    }
    return seat
  }

  async #wait(seat: TenantSeat): Promise<PooledSession> {
    const { waitersMax, waitMsMax } = this.#options
    if (this.#waiting.size >= waitersMax) {
      throw new RingfenceError('overloaded', 'too many requests wait for the database; try later')
    }
    const { promise, resolve, reject } = Promise.withResolvers<PooledSession>()
    const waiter = { key: seat, since: Date.now(), attempts: 0, resolve, reject }
    const patience = setTimeout(() => {
      if (!this.#waiting.remove(waiter)) return
      reject(new RingfenceError('timed_out', 'no database session came free in time'))
    }, waitMsMax)
    this.#waiting.add(waiter)
    this.#serve()
    return promise.finally(() => clearTimeout(patience))
  }

  /** Opens sessions for those who wait, oldest first, as far as there are places; makes more. */
  #serve(): void {
    for (const waiter of this.#waiting) {
      if (this.#free <= 0) break
      if (this.#lacking(waiter.key) === 0) continue
      waiter.attempts += 1
      void this.#open(waiter.key, waiter)
    }
    this.#makeRoom()
  }

  /**
   * Ends the sessions that are needed least: for requests that wait for a place, and else until the
   * reserve is free again. For the reserve, sessions in use are ended when they come back, so that
   * who comes once does not drive out who comes often; but not more than half of it hangs on them.
   */
  #makeRoom(): void {
    const wanting = this.#wanting()
    const { reserve } = this.#options
    let short = (wanting > 0 ? wanting : reserve) - this.#free - this.#ending
    let awaited = wanting > 0 ? 0 : Math.ceil(reserve / 2)
    if (short <= 0) return
    for (const seat of this.#leastNeededFirst()) {
      const [session] = seat.idle
      if (session !== undefined) {
        this.#counts.evicted += 1
        this.#end(session)
      } else if (awaited > 0) awaited -= 1
      else continue
      short -= 1
      if (short === 0) return
    }
  }

  #leastNeededFirst(): readonly TenantSeat[] {
    const seats = [...this.#seats.values()].filter((seat) => seat.total > 0)
    const worth = new Map(seats.map((seat) => [seat, seat.worthOfLast(this.#demand)]))
    const age = (seat: TenantSeat) => seat.idle[0]?.since ?? Number.MAX_SAFE_INTEGER
    return seats.sort((a, b) => (worth.get(a) ?? 0) - (worth.get(b) ?? 0) || age(a) - age(b))
  }

  /** How many more sessions the tenant's waiting requests could use than are on their way. */
  #lacking(seat: TenantSeat): number {
    const wanted = this.#waiting.countOf(seat) - seat.opening - seat.returning
    return Math.max(0, Math.min(wanted, this.#options.sessionsPerTenantMax - seat.total))
  }

  #wanting(): number {
    return this.#waiting.keys().reduce((sum, seat) => sum + this.#lacking(seat), 0)
  }

  get #free(): number {
    return this.#options.sessionsMax - this.#taken
  }

  /** Opens a session, because of `waiter` if one is given. False when that failed. */
  async #open(seat: TenantSeat, waiter?: Waiter<TenantSeat, PooledSession>): Promise<boolean> {
    const { login } = seat
    seat.opening += 1
    this.#taken += 1
    this.#counts.sessionsPeak = Math.max(this.#counts.sessionsPeak, this.#taken)
    let client: LeaseClient
    try {
      if (login === undefined) throw new RingfenceError('lease_denied', 'the lease was refused')
      client = await login.open(this.#spares)
    } catch (error) {
      if (isDenied(error) && seat.login === login) await this.#askAgain(seat, login)
      const exchanged = seat.login !== undefined && seat.login !== login
      const again = exchanged && (waiter?.attempts ?? 0) < ATTEMPTS_MAX
      if (!again && waiter !== undefined && this.#waiting.remove(waiter)) waiter.reject(error)
      seat.opening -= 1
      this.#leave()
      return false
    }
    seat.opening -= 1
    this.#counts.opened += 1
    const session: PooledSession = { seat, login, client, state: 'idle', since: Date.now() }
    client.on('end', () => this.#endIdle(session))
    this.#offer(session)
    return true
  }

  /** After a refusal: the lease may have been replaced while the login was under way. */
  async #askAgain(seat: TenantSeat, refused: LeaseLogin | undefined): Promise<void> {
    seat.login = undefined
    const lease = await this.#options.lease(seat.key as K).catch(() => undefined)
    if (lease !== undefined && lease.lease_id !== refused?.leaseId) this.#seatOf(seat.key, lease)
  }

  async #giveBack(session: PooledSession): Promise<void> {
    const { seat } = session
    seat.returning += 1
    const reusable = session.login.retireAt > Date.now() && (await session.client.reset())
    seat.returning -= 1
    seat.busy -= 1
    session.state = 'idle'
    session.since = Date.now()
    if (reusable) this.#offer(session)
    else this.#end(session)
  }

  /** A session is at hand: for who waits for it, or to be kept, or to give its place to others. */
  #offer(session: PooledSession): void {
    const { seat } = session
    if (this.#closing !== undefined) return this.#end(session)
    const own = this.#waiting.oldestOf(seat)
    if (this.#mustYield(own)) return this.#end(session)
    if (own !== undefined && this.#waiting.remove(own)) return own.resolve(lent(session))
    seat.idle.push(session)
    this.#serve()
  }

  /** True when other tenants' requests need the place of a session, for which `own` waits as well. */
  #mustYield(own: Waiter<TenantSeat, PooledSession> | undefined): boolean {
    if (this.#waiting.size === 0 || this.#wanting() <= this.#free + this.#ending) return false
    if (own === undefined) return true
    const oldest = this.#waiting.oldest() ?? own
    if (oldest === own || this.#lacking(oldest.key) === 0) return false
    return Date.now() - oldest.since > FAIR_AFTER_MS
  }

  #end(session: PooledSession): void {
    const index = session.seat.idle.indexOf(session)
    if (index >= 0) session.seat.idle.splice(index, 1)
    session.state = 'ending'
    this.#ending += 1
    void session.client.hangUp(HANG_UP_MS_MAX).then(() => {
      this.#ending -= 1
      this.#leave()
    })
  }

  #endIdle(session: PooledSession): void {
    if (session.state === 'idle') this.#end(session)
  }

  #leave(): void {
    this.#taken -= 1
    if (this.#closing === undefined) this.#serve()
    else if (this.#taken === 0) this.#emptied?.()
  }

  /** Retires sessions before their lease ends or when nobody uses them, and fills free places. */
  #keepUp(): void {
    const now = Date.now()
    for (const seat of this.#seats.values()) {
      for (const session of [...seat.idle]) {
        const unused = now - session.since > this.#options.idleMsMax
        if (unused) seat.quiet = true
        if (unused || session.login.retireAt <= now) this.#end(session)
        else if (session.login !== seat.login) this.#replace(session)
      }
      const known = seat.login !== undefined && seat.login.retireAt > now
      if (seat.total === 0 && !known && this.#waiting.oldestOf(seat) === undefined) {
        this.#seats.delete(seat.key)
      }
    }
    this.#warm()
  }

  /** Opens a session with the tenant's newer lease before it ends the one of the older lease. */
  #replace(session: PooledSession): void {
    if (this.#free > 0) this.#openAhead(session.seat, () => this.#endIdle(session))
  }

  /** Opens sessions for the tenants that are asked for most, in places beyond the reserve. */
  #warm(): void {
    while (this.#openingAhead < AHEAD_MAX && this.#free > this.#options.reserve) {
      const seat = this.#mostNeeded()
      if (seat === undefined || this.#closing !== undefined || this.#waiting.size > 0) return
      this.#openAhead(seat, () => this.#warm())
    }
  }

  #openAhead(seat: TenantSeat, after: () => void): void {
    if (this.#openingAhead >= AHEAD_MAX) return
    this.#openingAhead += 1
    void this.#open(seat).then((opened) => {
      this.#openingAhead -= 1
      // A failure is for the next request to meet; the next upkeep tries again.
      if (opened) after()
    })
  }

  #mostNeeded(): TenantSeat | undefined {
    const now = Date.now()
    let most: TenantSeat | undefined
    let worth = 1
    for (const seat of this.#seats.values()) {
      if (seat.total > 0 || seat.quiet || !((seat.login?.retireAt ?? 0) > now)) continue
      const seatWorth = seat.worthOfFirst(this.#demand)
      if (seatWorth > worth) {
        most = seat
        worth = seatWorth
      }
    }
    return most
  }
}

function lent(session: PooledSession): PooledSession {
  session.seat.busy += 1
  session.state = 'busy'
  session.since = Date.now()
  return session
}

function isDenied(error: unknown): boolean {
  return error instanceof RingfenceError && error.code === 'lease_denied'
}

function closed(): RingfenceError {
  return new RingfenceError('engine_unavailable', 'the pool is closed')
}
