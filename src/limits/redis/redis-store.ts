import { randomUUID } from 'node:crypto'
import { type Callback, Redis, type Result } from 'ioredis'
import { z } from 'zod'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { readSetting, redisServerShape, serverOf } from '../../redis/redis-server.ts'
import type { Grant, SharedSpec, SharedStore, Wish } from '../shared-store.ts'
import { BEAT, TAKE_OF_QUOTA, TAKE_OF_RATE } from './limit-scripts.ts'

/** Where gateways count together, as a part of their configuration. `docs/limits.md` has the user's rights. */
export const limitsRedisSchema = z.strictObject({
  ...redisServerShape,
  /** What all keys begin with. */
  prefix: z
    .string()
    .regex(/^[a-z0-9:_-]{1,64}$/)
    .default('ringfence:limits:'),
  /** How many gateways there are by plan: what each reckons with until it has heard of more. */
  replicas: z.int().min(1).max(10_000).default(1),
  /** Milliseconds after which an answer is not waited for. */
  answerMs: z.int().min(5).max(10_000).default(100),
})

export type LimitsRedisSettings = z.output<typeof limitsRedisSchema>

export interface RedisStoreOptions {
  readonly settings: LimitsRedisSettings
  /** Told when it cannot be reached, and why, and undefined when it is back. */
  readonly onTrouble: (trouble: RingfenceError | undefined) => void
}

const CONNECT_MS = 2_000
const BEAT_MS = 1_000
/** A gateway that has said nothing for so long is not reckoned with. */
const BELIEVED_MS = 3_500
/** How long it is believed that those are still there who were: longer than each is believed. */
const REMEMBERED_BEATS = 5
const RECONNECT_MS_MAX = 2_000

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeOfRate(key: string, ...values: number[]): Result<number[], Context>
    takeOfQuota(key: string, ...values: number[]): Result<[number, string], Context>
    beat(
      key: string,
      name: string,
      lifeMs: number,
      callback?: Callback<number>,
    ): Result<number, Context>
  }
}

/** A Redis server in which gateways count together. Its clock is the one that counts. */
export class RedisStore implements SharedStore {
  readonly #redis: Redis
  readonly #settings: LimitsRedisSettings
  readonly #onTrouble: RedisStoreOptions['onTrouble']
  readonly #name = randomUUID()
  readonly #heard: number[] = []
  #replicas: number
  #away = true
  #said = false
  #trouble = 'it has not answered yet'
  #timer: NodeJS.Timeout | undefined
  #closed = false

  private constructor({ settings, onTrouble }: RedisStoreOptions) {
    const { user, passwordFile, answerMs } = settings
    this.#settings = settings
    this.#onTrouble = onTrouble
    this.#replicas = settings.replicas
    this.#redis = new Redis({
      ...serverOf(settings),
      username: user,
      password: readSetting(passwordFile).trim(),
      lazyConnect: true,
      connectTimeout: CONNECT_MS,
      commandTimeout: answerMs,
      retryStrategy: (times) => Math.min(RECONNECT_MS_MAX, 50 * 2 ** Math.min(times, 10)),
      // Whoever asks does not wait for a connection: it counts by itself meanwhile.
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      enableAutoPipelining: true,
      // It would ask with INFO, which nobody here may.
      enableReadyCheck: false,
      disableClientInfo: true,
    })
    this.#redis.on('error', (error: unknown) => {
      this.#trouble = messageOf(error)
    })
    this.#redis.defineCommand('takeOfRate', { numberOfKeys: 1, lua: TAKE_OF_RATE })
    this.#redis.defineCommand('takeOfQuota', { numberOfKeys: 1, lua: TAKE_OF_QUOTA })
    this.#redis.defineCommand('beat', { numberOfKeys: 1, lua: BEAT })
  }

  /**
   * Begins to reach the server, and does not depend on it: it is away until it answers.
   * @throws RingfenceError `invalid_argument` for files that cannot be read
   */
  static async open(options: RedisStoreOptions): Promise<RedisStore> {
    const store = new RedisStore(options)
    await store.#redis.connect().catch((error: unknown) => {
      store.#trouble = messageOf(error)
    })
    await store.#beat()
    return store
  }

  get replicas(): number {
    return this.#replicas
  }

  get away(): boolean {
    return this.#away
  }

  async take(key: string, spec: SharedSpec, wish: Wish, lifeMs: number): Promise<Grant> {
    const { need, spare, owed } = wish
    const name = this.#settings.prefix + key
    try {
      if (spec.kind === 'quota') {
        const life = Math.max(1, Math.ceil(lifeMs)) + BELIEVED_MS
        const values = [spec.amount, need, spare, owed, life, this.#replicas]
        const [granted, remaining] = await this.#redis.takeOfQuota(name, ...values)
        return { granted, remaining: Number(remaining), resetMs: lifeMs, waitMs: lifeMs }
      }
      const values = [spec.everyMs * 1000, spec.burst, need, spare, owed]
      const [granted = 0, remaining = 0, wait = 0, reset = 0] = await this.#redis.takeOfRate(
        name,
        ...values,
      )
      return { granted, remaining, waitMs: wait / 1000, resetMs: reset / 1000 }
    } catch (error) {
      this.#trouble = messageOf(error)
      this.#set(true)
      throw error
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    if (!this.#away) await this.#redis.beat(this.#beatKey, this.#name, 0).catch(() => undefined)
    this.#redis.disconnect()
  }

  get #beatKey(): string {
    return `${this.#settings.prefix}gateways`
  }

  /** Says that this gateway is there, and learns of the others. It is also what finds the server again. */
  async #beat(): Promise<void> {
    try {
      const heard = await this.#redis.beat(this.#beatKey, this.#name, BELIEVED_MS)
      this.#hear(heard)
      this.#set(false)
    } catch (error) {
      if (this.#redis.status === 'ready') this.#trouble = messageOf(error)
      // Others that cannot reach it either are still there.
      this.#hear(Math.max(this.#replicas, this.#settings.replicas))
      this.#set(true)
    }
    if (this.#closed) return
    this.#timer = setTimeout(() => void this.#beat(), BEAT_MS)
    this.#timer.unref()
  }

  /**
   * The most that there were a while ago or since: of those who have not come back yet to a server that
   * has just been started again nothing is known.
   */
  #hear(replicas: number): void {
    this.#heard.push(replicas)
    if (this.#heard.length > REMEMBERED_BEATS) this.#heard.shift()
    this.#replicas = Math.max(1, ...this.#heard)
  }

  #set(away: boolean): void {
    if (this.#closed || (this.#said && away === this.#away)) return
    this.#said = true
    this.#away = away
    this.#onTrouble(
      away
        ? new RingfenceError('engine_unavailable', 'limits are counted by each gateway alone', {
            detail: this.#trouble,
          })
        : undefined,
    )
  }
}
