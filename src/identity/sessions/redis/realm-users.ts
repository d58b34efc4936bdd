import { createHash, randomBytes } from 'node:crypto'
import type { Redis } from 'ioredis'
import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { SealingKey } from '../../sealing-key.ts'
import { connect, type RedisLogin } from './connect.ts'
import type { RedisServer } from '../../../redis/redis-server.ts'

const SEALED_AS = 'redis password'
/** Commands of a realm's user. None lists keys, none runs scripts, none tells of other connections. */
const COMMANDS = ['get', 'set', 'unlink', 'ping', 'auth', 'hello', 'quit'] as const

/** Who a realm is in Redis. Secret. */
export interface RealmUser extends RedisLogin {
  /** What all its keys begin with. It has no glob characters. */
  readonly prefix: string
}

/**
 * The users of realms in Redis: one each, who reaches the keys of its own prefix and nothing else.
 * Prefixes are random, and never used again: a tenant that comes back under its old name finds
 * nothing of before.
 */
export class RealmUsers {
  readonly #database: IdentityDatabase
  readonly #sealing: SealingKey
  readonly #server: RedisServer
  readonly #manager: RedisLogin
  #connection: Promise<Redis> | undefined

  constructor(
    database: IdentityDatabase,
    sealing: SealingKey,
    server: RedisServer,
    manager: RedisLogin,
  ) {
    this.#database = database
    this.#sealing = sealing
    this.#server = server
    this.#manager = manager
  }

  /**
   * The realm's user as it is written down; undefined where the realm is not there. It may not be in
   * Redis yet, or not any more.
   */
  async find(tenant: TenantId): Promise<RealmUser | undefined> {
    const known = await this.#read(tenant)
    if (known !== undefined) return known
    const password = randomBytes(32).toString('base64url')
    await this.#database.query(
      `insert into identity.session_redis (tenant, key, sealed_password)
       select tenant, $2, $3 from identity.realm where tenant = $1
       on conflict (tenant) do nothing`,
      [
        tenant,
        randomBytes(12).toString('hex'),
        this.#sealing.seal(tenant, SEALED_AS, { kty: 'oct', k: password }),
      ],
    )
    return this.#read(tenant)
  }

  /**
   * Makes it in Redis, or makes it what it should be. Its password goes there as a hash. False when
   * the realm was removed meanwhile: then it is nowhere.
   */
  async enter(tenant: TenantId, { username, password, prefix }: RealmUser): Promise<boolean> {
    const hash = createHash('sha256').update(password).digest('hex')
    const commands = COMMANDS.map((command) => `+${command}`)
    await this.#asManager((redis) =>
      redis.acl(
        'SETUSER',
        username,
        'reset',
        'on',
        `#${hash}`,
        `~${prefix}*`,
        'resetchannels',
        '-@all',
        ...commands,
      ),
    )
    if ((await this.#read(tenant))?.username === username) return true
    await this.#asManager((redis) => redis.acl('DELUSER', username))
    return false
  }

  /** Deletes the users of realms that were removed. That ends their connections, whoever has them. */
  async deleteGone(): Promise<void> {
    const gone = await this.#database.query<{ tenant: TenantId; key: string }>(
      'select tenant, key from identity.session_redis_gone limit 100',
    )
    for (const { tenant, key } of gone) {
      await this.#asManager((redis) => redis.acl('DELUSER', nameOf(key)))
      await this.#database.query(
        'delete from identity.session_redis_gone where tenant = $1 and key = $2',
        [tenant, key],
      )
    }
  }

  close(): void {
    void this.#connection?.then(
      (redis) => redis.disconnect(),
      () => {},
    )
    this.#connection = undefined
  }

  async #read(tenant: TenantId): Promise<RealmUser | undefined> {
    const [row] = await this.#database.query<{ key: string; sealed_password: Buffer }>(
      'select key, sealed_password from identity.session_redis where tenant = $1',
      [tenant],
    )
    if (row === undefined) return undefined
    const { k } = this.#sealing.open(tenant, SEALED_AS, row.sealed_password)
    if (k === undefined) throw new RingfenceError('internal', 'the realm has no password in Redis')
    return { username: nameOf(row.key), password: k, prefix: `rf:${row.key}:` }
  }

  async #asManager<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    this.#connection ??= connect(this.#server, this.#manager)
    const connection = this.#connection
    try {
      return await work(await connection)
    } catch (error) {
      // The next call tries a new one.
      if (this.#connection === connection) this.close()
      throw error
    }
  }
}

function nameOf(key: string): string {
  return `rf-${key}`
}
