import type { AdapterPayload } from 'oidc-provider'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import type { Artifact, ArtifactKey } from '../../provider/artifact-store.ts'
import type { SealingKey } from '../../sealing-key.ts'
import type { SessionPayloads } from '../live-sessions.ts'
import { cookieHash } from '../signed-in.ts'
import { RealmConnections } from './realm-connections.ts'
import { RealmUsers } from './realm-users.ts'
import { readSetting, serverOf } from '../../../redis/redis-server.ts'
import type { RedisSettings } from './redis-settings.ts'

/** Ended sessions that one call clears away. */
const TIDY_MAX = 200

export interface RedisSessionsOptions {
  readonly database: IdentityDatabase
  readonly sealing: SealingKey
  readonly settings: RedisSettings
}

/**
 * What the provider keeps of sessions and interactions, in Redis: each under its realm's prefix, read
 * and written as its realm's user, and gone by itself when its time is over. Keys are hashes: who
 * reads them has no cookie.
 */
export class RedisSessions implements SessionPayloads {
  readonly #database: IdentityDatabase
  readonly #users: RealmUsers
  readonly #connections: RealmConnections

  private constructor(
    database: IdentityDatabase,
    users: RealmUsers,
    connections: RealmConnections,
  ) {
    this.#database = database
    this.#users = users
    this.#connections = connections
  }

  /** Nothing is reached yet. @throws RingfenceError `invalid_argument` when a file cannot be read */
  static open({ database, sealing, settings }: RedisSessionsOptions): RedisSessions {
    const server = serverOf(settings)
    const manager = {
      username: settings.user,
      password: readSetting(settings.passwordFile).trim(),
    }
    const users = new RealmUsers(database, sealing, server, manager)
    const connections = new RealmConnections(server, users, settings.connectionsMax)
    return new RedisSessions(database, users, connections)
  }

  async put({ tenant, model, id }: ArtifactKey, artifact: Artifact): Promise<void> {
    const { jti: _, ...payload } = artifact.payload
    // The provider gives both kinds an end; what has none must not stay for ever.
    const seconds = Math.max(1, Math.ceil(artifact.seconds ?? 1))
    await this.#connections.use(tenant, ({ redis, prefix }) =>
      redis.set(nameOf(prefix, model, cookieHash(id)), JSON.stringify(payload), 'EX', seconds),
    )
  }

  async find({ tenant, model, id }: ArtifactKey): Promise<AdapterPayload | undefined> {
    const text = await this.#connections.use(tenant, ({ redis, prefix }) =>
      redis.get(nameOf(prefix, model, cookieHash(id))),
    )
    if (text === undefined || text === null) return undefined
    const payload: AdapterPayload = JSON.parse(text)
    return { ...payload, jti: id }
  }

  async remove({ tenant, model, id }: ArtifactKey): Promise<void> {
    await this.#connections.use(tenant, ({ redis, prefix }) =>
      redis.unlink(nameOf(prefix, model, cookieHash(id))),
    )
  }

  /** Clears away what ended sessions have left, and the users of realms that were removed. */
  async tidy(): Promise<void> {
    const ended = await this.#database.query<{ tenant: TenantId; id: string; cookie: string }>(
      `select tenant, id, cookie from identity.session
       where ended_at is not null and not cleared limit ${TIDY_MAX}`,
    )
    for (const { tenant, id, cookie } of ended) {
      await this.#connections.use(tenant, ({ redis, prefix }) =>
        redis.unlink(nameOf(prefix, 'Session', cookie)),
      )
      await this.#database.query(
        'update identity.session set cleared = true where tenant = $1 and id = $2',
        [tenant, id],
      )
    }
    await this.#users.deleteGone()
  }

  close(): void {
    this.#connections.close()
    this.#users.close()
  }
}

function nameOf(prefix: string, model: string, hash: string): string {
  return `${prefix}${model}:${hash}`
}
