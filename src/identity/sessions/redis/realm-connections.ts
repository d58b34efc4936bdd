import type { Redis } from 'ioredis'
import { LRUCache } from 'lru-cache'
import { messageOf, RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { connect } from './connect.ts'
import type { RealmUsers } from './realm-users.ts'
import type { RedisServer } from '../../../redis/redis-server.ts'

/** A connection as a realm's user. */
export interface RealmConnection {
  readonly redis: Redis
  readonly prefix: string
}

type Opening = Promise<RealmConnection | undefined>

/** One connection for each realm that is in use, those used last; each as the realm's own user. */
export class RealmConnections {
  readonly #server: RedisServer
  readonly #users: RealmUsers
  readonly #open: LRUCache<TenantId, Opening>

  constructor(server: RedisServer, users: RealmUsers, most: number) {
    this.#server = server
    this.#users = users
    this.#open = new LRUCache({
      max: most,
      // What was sent before is still answered.
      dispose: (opening) => void opening.then((own) => own?.redis.quit()).catch(() => {}),
    })
  }

  get size(): number {
    return this.#open.size
  }

  /**
   * Works as the realm's user; undefined where the realm is not there. When a connection fails that
   * was there before, the work is done once more on a new one: it must be good to repeat.
   * @throws RingfenceError `engine_unavailable`
   */
  async use<T>(
    tenant: TenantId,
    work: (connection: RealmConnection) => Promise<T>,
  ): Promise<T | undefined> {
    const before = this.#open.get(tenant)
    try {
      if (before !== undefined) return await this.#try(tenant, before, work)
    } catch {
      // Redis was started again, the user was deleted, or this was the one too many.
    }
    try {
      return await this.#try(tenant, this.#get(tenant), work)
    } catch (error) {
      if (error instanceof RingfenceError) throw error
      throw new RingfenceError('engine_unavailable', 'the store of sessions cannot be used', {
        detail: messageOf(error),
        cause: error,
      })
    }
  }

  close(): void {
    for (const opening of this.#open.values()) {
      void opening.then((own) => own?.redis.disconnect()).catch(() => {})
    }
    this.#open.clear()
  }

  async #try<T>(
    tenant: TenantId,
    opening: Opening,
    work: (connection: RealmConnection) => Promise<T>,
  ): Promise<T | undefined> {
    try {
      const connection = await opening
      if (connection !== undefined) return await work(connection)
      this.#drop(tenant, opening)
      return undefined
    } catch (error) {
      this.#drop(tenant, opening)
      throw error
    }
  }

  #get(tenant: TenantId): Opening {
    const known = this.#open.get(tenant)
    if (known !== undefined) return known
    const opening = this.#connect(tenant)
    this.#open.set(tenant, opening)
    return opening
  }

  async #connect(tenant: TenantId): Opening {
    const user = await this.#users.find(tenant)
    if (user === undefined || !(await this.#users.enter(tenant, user))) return undefined
    const { username, password, prefix } = user
    return { redis: await connect(this.#server, { username, password }), prefix }
  }

  #drop(tenant: TenantId, opening: Opening): void {
    if (this.#open.peek(tenant) === opening) this.#open.delete(tenant)
  }
}
