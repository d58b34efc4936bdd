import { randomBytes, randomUUID } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { EndAccess } from './end-access.ts'
import { sha256 } from './realm-clients.ts'
import { enterChange } from '../entering.ts'

const SECRET_BYTES = 32
const KEYS_MAX = 50
const DAYS_MAX = 366
const KEY = /^rfk_[A-Za-z0-9_-]{43}$/
/** How exact the time of the last use is: not every use writes. */
const USED_SECONDS = 60

export interface ApiKey {
  readonly id: string
  readonly subject: Subject
  readonly label: string
  /** At most these; and never more than the user has at the time. */
  readonly scopes: readonly string[]
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | undefined
}

/**
 * Keys with which programs of users come. A key is worth an access token for some minutes, and no
 * more: it opens nothing by itself. It is kept as a hash. Every query names the realm.
 */
export class ApiKeys {
  readonly #database: IdentityDatabase
  readonly #endAccess: EndAccess

  constructor(database: IdentityDatabase, endAccess: EndAccess) {
    this.#database = database
    this.#endAccess = endAccess
  }

  /**
   * Makes a key, whose secret is returned this once.
   * @throws RingfenceError `not_found` (the user), `invalid_argument`, `conflict` when there are too many
   */
  async create(
    tenant: TenantId,
    subject: Subject,
    key: { readonly label: string; readonly scopes: readonly string[]; readonly days: number },
  ): Promise<{ readonly id: string; readonly secret: string }> {
    const { label, scopes, days } = key
    if (!Number.isInteger(days) || days < 1 || days > DAYS_MAX) {
      throw new RingfenceError('invalid_argument', `a key lives for 1 to ${DAYS_MAX} days`)
    }
    if (label.length < 1 || label.length > 100 || scopes.length > 20) {
      throw new RingfenceError('invalid_argument', 'a key has a label of 1 to 100 characters')
    }
    const id = randomUUID()
    const secret = `rfk_${randomBytes(SECRET_BYTES).toString('base64url')}`
    await this.#database.transaction(async (rows) => {
      const users = await rows.query(
        'select from identity.account where tenant = $1 and subject = $2 and active for update',
        [tenant, subject],
      )
      if (users.length === 0) throw new RingfenceError('not_found', 'there is no such user')
      const others = await rows.query(
        'select from identity.api_key where tenant = $1 and subject = $2 limit $3',
        [tenant, subject, KEYS_MAX],
      )
      if (others.length >= KEYS_MAX) throw new RingfenceError('conflict', 'too many API keys')
      await rows.query(
        `insert into identity.api_key (tenant, id, subject, label, secret_sha256, scopes, expires_at)
         values ($1, $2, $3, $4, $5, $6, now() + make_interval(days => $7))`,
        [tenant, id, subject, label, sha256(secret), scopes, days],
      )
      await enterChange(rows, tenant, 'api-key.created', id, { user: subject, scopes, days })
    })
    return { id, secret }
  }

  /** Of one user, oldest first. */
  async list(tenant: TenantId, subject: Subject): Promise<readonly ApiKey[]> {
    const rows = await this.#database.query<Row>(
      `${SELECT} where tenant = $1 and subject = $2 order by created_at, id`,
      [tenant, subject],
    )
    return rows.map(keyOf)
  }

  /** Takes a user's key back, and the access tokens that it was exchanged for. @throws `not_found` */
  async remove(tenant: TenantId, subject: Subject, id: string): Promise<void> {
    await this.#database.transaction(async (rows) => {
      const gone = await rows.query(
        'delete from identity.api_key where tenant = $1 and subject = $2 and id = $3 returning id',
        [tenant, subject, id],
      )
      if (gone.length === 0) throw new RingfenceError('not_found', 'there is no such API key')
      await enterChange(rows, tenant, 'api-key.removed', id, { user: subject })
      await this.#endAccess.ofApiKey(rows, tenant, id)
    })
  }

  /** The key that the secret is of, if it is good. One query in any case. */
  async use(tenant: TenantId, secret: string): Promise<ApiKey | undefined> {
    const [row] = await this.#database.query<Row>(
      `${SELECT} where tenant = $1 and secret_sha256 = $2 and expires_at > now()`,
      [tenant, sha256(KEY.test(secret) ? secret : '')],
    )
    if (row === undefined) return undefined
    await this.#database.query(
      `update identity.api_key set used_at = now() where tenant = $1 and id = $2
         and (used_at is null or used_at < now() - make_interval(secs => $3))`,
      [tenant, row.id, USED_SECONDS],
    )
    return keyOf(row)
  }

  /** True while the key is there and its time is not over. */
  async isGood(tenant: TenantId, id: string): Promise<boolean> {
    const found = await this.#database.query(
      'select from identity.api_key where tenant = $1 and id = $2 and expires_at > now()',
      [tenant, id],
    )
    return found.length > 0
  }

  async forgetExpired(): Promise<void> {
    await this.#database.query('delete from identity.api_key where expires_at < now()')
  }
}

const SELECT = `select id, subject, label, scopes, created_at, expires_at, used_at
  from identity.api_key`

interface Row {
  readonly id: string
  readonly subject: Subject
  readonly label: string
  readonly scopes: string[]
  readonly created_at: Date
  readonly expires_at: Date
  readonly used_at: Date | null
}

function keyOf(row: Row): ApiKey {
  const { id, subject, label, scopes } = row
  return {
    id,
    subject,
    label,
    scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    usedAt: row.used_at ?? undefined,
  }
}
