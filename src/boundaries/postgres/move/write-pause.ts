import type pg from 'pg'
import type { TenantId } from '../../../core/tenant.ts'

/**
 * How long a ledger refuses leases if nobody renews the hold: what a process that is killed in the
 * pause costs the tenant. Seconds.
 */
const HOLD_SECONDS = 15
/** The old silo's own ledger keeps the hold longer, so that the cell's is the one that runs out. */
const SILO_HOLD_SECONDS = 25
/** For all leases there, from just before the swap. Long enough for it, and short for who is killed. */
const SILO_CLOSED_SECONDS = 5
const RENEW_MS = 4_000
/** The longest pause. Then the hold runs out, and the cut-over fails. */
const PAUSE_MS_MAX = 60_000

interface Ledger {
  readonly client: pg.Client
  readonly seconds: number
}

/** Ends a hold, whoever left it. */
export async function letWrite(ledger: pg.ClientBase, tenant: TenantId): Promise<void> {
  await ledger.query(
    `update custody.tenant set writes_held_until = null, held_until = null where tenant_id = $1`,
    [tenant],
  )
}

/**
 * A hold on the tenant's write leases, in the ledger that gives them. It ends by itself: whoever is
 * killed in it leaves a tenant that writes again within seconds.
 */
export class WritePause {
  readonly #tenant: TenantId
  /** The silo's first: it must hold before the cell's, and longer. */
  readonly #ledgers: readonly Ledger[]
  readonly #began = performance.now()
  #renewing: NodeJS.Timeout | undefined
  #last: Promise<unknown> = Promise.resolve()

  private constructor(tenant: TenantId, ledgers: readonly Ledger[]) {
    this.#tenant = tenant
    this.#ledgers = ledgers
  }

  /** From its return on no write lease is given. `silo` is the ledger of the server that is left. */
  static async begin(
    tenant: TenantId,
    cell: pg.Client,
    silo: pg.Client | undefined,
  ): Promise<WritePause> {
    const pause = new WritePause(tenant, [
      ...(silo === undefined ? [] : [{ client: silo, seconds: SILO_HOLD_SECONDS }]),
      { client: cell, seconds: HOLD_SECONDS },
    ])
    try {
      for (const ledger of pause.#ledgers) await pause.#hold(ledger, 'writes_held_until', 'true')
    } catch (error) {
      await pause.release()
      throw error
    }
    pause.#renewing = setInterval(() => {
      pause.#last = pause.#renew().catch(() => clearInterval(pause.#renewing))
    }, RENEW_MS)
    return pause
  }

  /** Milliseconds since it began. */
  get lasted(): number {
    return performance.now() - this.#began
  }

  /** From its return on the silo gives no lease at all. */
  async holdSilo(): Promise<void> {
    const [silo, cell] = this.#ledgers
    if (silo === undefined || cell === undefined) return
    await this.#hold({ ...silo, seconds: SILO_CLOSED_SECONDS }, 'held_until', 'true')
  }

  /** Renews the hold no more. What is held stays held until it runs out. */
  async settle(): Promise<void> {
    clearInterval(this.#renewing)
    await this.#last
  }

  /** Lets the tenant write again where it was. Where a ledger cannot be reached the hold runs out. */
  async release(): Promise<void> {
    await this.settle()
    for (const { client } of this.#ledgers) {
      await letWrite(client, this.#tenant).catch(() => {})
    }
  }

  async #renew(): Promise<void> {
    if (this.lasted > PAUSE_MS_MAX) return clearInterval(this.#renewing)
    for (const ledger of this.#ledgers) {
      // One that has run out stays so: a lease may have been given since.
      await this.#hold(ledger, 'writes_held_until', 'writes_held_until > clock_timestamp()')
    }
  }

  async #hold({ client, seconds }: Ledger, column: string, condition: string): Promise<void> {
    await client.query(
      `update custody.tenant set ${column} = clock_timestamp() + make_interval(secs => $2)
       where tenant_id = $1 and ${condition}`,
      [this.#tenant, seconds],
    )
  }
}
