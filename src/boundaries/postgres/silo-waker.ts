import { withClient } from './connection.ts'
import { type TenantKey, tenantKey } from './names.ts'
import type { Silos } from './silos.ts'
import type { Site } from './site.ts'

const AT_ONCE = 4
/** A silo that did not start is not tried again for this long. Milliseconds. */
const AGAIN_AFTER_MS = 10_000

/**
 * Starts the silos of active tenants that do not run: after a start of the cell, and after a server that
 * ended by itself. Whoever holds a lease of one connects to it without asking us first.
 */
export class SiloWaker {
  readonly #cell: Site
  readonly #silos: Silos
  readonly #notBefore = new Map<TenantKey, number>()
  #waking: Promise<void> | undefined

  constructor(cell: Site, silos: Silos) {
    this.#cell = cell
    this.#silos = silos
  }

  /** Begins, unless it is at it, and does not wait: silos that cannot be started hold up nobody. */
  wake(): void {
    this.#waking ??= this.#wake()
      // The cell's server did not answer. Whoever asked for more than this learns of it.
      .catch(() => {})
      .finally(() => {
        this.#waking = undefined
      })
  }

  /** Resolves when nothing is being started. */
  async settled(): Promise<void> {
    await this.#waking
  }

  async #wake(): Promise<void> {
    const now = Date.now()
    const asleep = await this.#silos.asleep()
    const due = asleep.filter((key) => (this.#notBefore.get(key) ?? 0) <= now)
    if (due.length === 0) return
    const active = await this.#active()
    const left = due.filter((key) => active.has(key))
    const work = async () => {
      for (let key = left.shift(); key !== undefined; key = left.shift()) await this.#start(key)
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
  }

  async #start(key: TenantKey): Promise<void> {
    try {
      await this.#silos.open(key)
      this.#notBefore.delete(key)
    } catch {
      // Why is in the server's own log.
      this.#notBefore.set(key, Date.now() + AGAIN_AFTER_MS)
    }
  }

  /** Not one that is half made, nor one that is being erased. */
  #active(): Promise<ReadonlySet<TenantKey>> {
    const { names } = this.#cell
    return withClient(this.#cell.admin(names.custodyDatabase), async (ledger) => {
      const { rows } = await ledger.query<{ key: string }>(
        `select key from custody.tenant where tier = 'silo' and status = 'active'`,
      )
      return new Set(rows.map(({ key }) => tenantKey(key)))
    })
  }
}
