import pg from 'pg'
import type { TenantId } from '../../src/core/tenant.ts'

interface Held {
  readonly client: Promise<pg.Client>
  users: number
  /** Requests of one tenant go one after the other. */
  turn: Promise<unknown>
}

/**
 * What an application would write first, as the reference: one plain `pg` connection for each tenant,
 * at most `max`, and the longest unused one closed, and waited for, when another is needed.
 */
export class LruPool {
  readonly #max: number
  readonly #configOf: (tenant: TenantId) => pg.ClientConfig
  /** In order of use, the longest unused first. */
  readonly #held = new Map<TenantId, Held>()
  #closing = 0
  hits = 0
  misses = 0

  constructor(max: number, configOf: (tenant: TenantId) => pg.ClientConfig) {
    this.#max = max
    this.#configOf = configOf
  }

  async use<T>(tenant: TenantId, work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const held = this.#get(tenant)
    held.users += 1
    try {
      const mine = held.turn.then(async () => work(await held.client))
      held.turn = mine.catch(() => {})
      return await mine
    } finally {
      held.users -= 1
    }
  }

  async close(): Promise<void> {
    for (const held of this.#held.values()) await (await held.client).end()
  }

  #get(tenant: TenantId): Held {
    const known = this.#held.get(tenant)
    if (known === undefined) this.misses += 1
    else this.hits += 1
    const held = known ?? { client: this.#open(tenant), users: 0, turn: Promise.resolve() }
    this.#held.delete(tenant)
    this.#held.set(tenant, held)
    return held
  }

  async #open(tenant: TenantId): Promise<pg.Client> {
    while (this.#held.size + this.#closing >= this.#max) await this.#evict()
    const client = new pg.Client(this.#configOf(tenant))
    client.on('error', () => {})
    await client.connect()
    return client
  }

  async #evict(): Promise<void> {
    const [tenant, held] = [...this.#held].find(([, held]) => held.users === 0) ?? []
    if (tenant === undefined || held === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 1))
      return
    }
    this.#held.delete(tenant)
    this.#closing += 1
    const client = await held.client
    await client.end()
    this.#closing -= 1
  }
}
