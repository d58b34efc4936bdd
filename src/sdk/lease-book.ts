import { RingfenceError } from '../core/errors.ts'
import type { Scope } from '../core/lease.ts'
import { elapsedMs, type Moment, momentAt, thisMoment } from '../core/moment.ts'
import type { TenantContext } from '../tokens/tenant-context.ts'
import { RETIRE_BEFORE_END, RETIRE_BEFORE_END_MS } from './postgres/lease-login.ts'
import type { VendedLease } from './vending-client.ts'

declare const seatBrand: unique symbol
/**
 * A tenant in one scope: what a lease, and the sessions that it opens, are for. Jobs have seats of their
 * own: their leases end with them, and vending's journal tells the two apart.
 */
export type Seat = string & { readonly [seatBrand]: true }

export function seatOf(
  { tenant, kind }: Pick<TenantContext, 'tenant' | 'kind'>,
  scope: Scope,
): Seat {
  return `${tenant}/${scope}/${kind}` as Seat
}

/** After this part of its life a lease is replaced. */
const RENEW_AFTER = 2 / 3
/** After a renewal that failed nobody tries again for this long. Milliseconds. */
const RENEW_AGAIN_MS = 1_000

interface Entry {
  readonly lease: VendedLease
  readonly askedAt: Moment
  /** Milliseconds from then on. */
  readonly usableFor: number
  renewAfter: number
}

const age = ({ askedAt }: Entry) => elapsedMs(askedAt, thisMoment())

/** Asks vending, on behalf of one verified context. */
export type Ask = () => Promise<VendedLease>

/**
 * The leases in hand: one for a tenant and scope, whoever of the tenant asks. What it hands out rests
 * on the verified context of the request that asks now: the book itself knows no contexts.
 */
export class LeaseBook {
  readonly #entries = new Map<Seat, Entry>()
  readonly #asking = new Map<Seat, Promise<unknown>>()

  /**
   * On return a usable lease is in hand for the seat. Requests at the same time share one exchange,
   * but a refusal of one's context is not another's. An older lease is replaced meanwhile.
   * @throws what `ask` throws
   */
  async ensure(seat: Seat, ask: Ask): Promise<void> {
    for (;;) {
      const entry = this.#usable(seat)
      if (entry !== undefined) {
        if (age(entry) >= entry.renewAfter) this.#renew(seat, entry, ask)
        return
      }
      const asking = this.#asking.get(seat)
      if (asking === undefined) {
        await this.#exchange(seat, ask)
        return
      }
      await asking.catch((error: unknown) => {
        if (!isOfTheContext(error)) throw error
      })
    }
  }

  /** The lease in hand. @throws RingfenceError `lease_denied` when there is none */
  lease(seat: Seat): VendedLease {
    const entry = this.#usable(seat)
    if (entry === undefined) throw new RingfenceError('lease_denied', 'no lease is in hand')
    return entry.lease
  }

  /**
   * On return another lease than `refused` is in hand, with which the server refused a login. Requests
   * at the same time share one exchange.
   * @throws what `ask` throws
   */
  async replace(seat: Seat, refused: string, ask: Ask): Promise<void> {
    if (this.#entries.get(seat)?.lease.lease_id === refused) this.#entries.delete(seat)
    await this.ensure(seat, ask)
  }

  get size(): number {
    return this.#entries.size
  }

  #usable(seat: Seat): Entry | undefined {
    const entry = this.#entries.get(seat)
    return entry !== undefined && age(entry) < entry.usableFor ? entry : undefined
  }

  #renew(seat: Seat, entry: Entry, ask: Ask): void {
    if (this.#asking.has(seat)) return
    entry.renewAfter = age(entry) + RENEW_AGAIN_MS
    // Failing is no harm yet: the lease in hand lasts, and a later request tries again.
    this.#exchange(seat, ask).catch(() => {})
  }

  #exchange(seat: Seat, ask: Ask): Promise<void> {
    const asking = ask()
      .then((lease) => this.#enter(seat, lease))
      .finally(() => this.#asking.delete(seat))
    this.#asking.set(seat, asking)
    return asking
  }

  #enter(seat: Seat, lease: VendedLease): void {
    for (const [other, entry] of this.#entries) {
      if (age(entry) >= entry.usableFor) this.#entries.delete(other)
    }
    const life = lease.expires_at.getTime() - lease.askedAt
    this.#entries.set(seat, {
      lease,
      askedAt: momentAt(lease.askedAt, thisMoment()),
      // Sessions are retired at this moment as well.
      usableFor: life - Math.min(RETIRE_BEFORE_END_MS, life * RETIRE_BEFORE_END),
      renewAfter: life * RENEW_AFTER,
    })
  }
}

function isOfTheContext(error: unknown): boolean {
  return (
    error instanceof RingfenceError &&
    (error.code === 'invalid_token' || error.code === 'forbidden')
  )
}
