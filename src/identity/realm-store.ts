import { createHash, randomBytes } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import type { ClientId, Subject } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import { KeySet } from '../tokens/verify-token.ts'
import type { IdentityDatabase, Rows } from './identity-database.ts'
import { lockRealm, type RealmKeys } from './realm-keys.ts'

const SECRET_BYTES = 32

export interface Principal {
  readonly roles: readonly string[]
  readonly scopes: readonly string[]
}

/** A client as the token endpoint meets it. One of the two ways to authenticate is undefined. */
export interface RealmClient extends Principal {
  readonly open: boolean
  readonly secretSha256: Buffer | undefined
  readonly keys: readonly PublicJwk[] | undefined
}

/** Realms, their users and their clients. Every query names the realm. */
export class RealmStore {
  readonly #database: IdentityDatabase
  readonly #keys: RealmKeys
  readonly #issuerOf: (tenant: TenantId) => string

  constructor(database: IdentityDatabase, keys: RealmKeys, issuerOf: (tenant: TenantId) => string) {
    this.#database = database
    this.#keys = keys
    this.#issuerOf = issuerOf
  }

  /** Makes the realm, open and with its first key; or finds it, and takes its new display name. */
  async ensure(tenant: TenantId, displayName: string): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await rows.query(
        `insert into identity.realm (tenant, issuer, display_name) values ($1, $2, $3)
         on conflict (tenant) do update
           set issuer = excluded.issuer, display_name = excluded.display_name, changed_at = now()`,
        [tenant, this.#issuerOf(tenant), displayName],
      )
      await this.#keys.makeFirst(rows, tenant)
    })
  }

  /** The realm's issuer, or undefined. */
  async issuer(tenant: string): Promise<string | undefined> {
    const [row] = await this.#database.query<{ issuer: string }>(
      'select issuer from identity.realm where tenant = $1',
      [tenant],
    )
    return row?.issuer
  }

  async isOpen(tenant: TenantId): Promise<boolean> {
    const [row] = await this.#database.query<{ open: boolean }>(
      'select open from identity.realm where tenant = $1',
      [tenant],
    )
    return row?.open === true
  }

  /** @throws RingfenceError `not_found` */
  async setOpen(tenant: TenantId, open: boolean): Promise<void> {
    const found = await this.#database.query(
      `update identity.realm set open = $2, changed_at = now() where tenant = $1 returning tenant`,
      [tenant, open],
    )
    if (found.length === 0) throw new RingfenceError('not_found', 'there is no such realm')
  }

  /** Users, clients and keys are gone. Not an error when they were before. */
  async remove(tenant: TenantId): Promise<void> {
    await this.#database.query('delete from identity.realm where tenant = $1', [tenant])
  }

  /** Enters a user, or changes what it may. @throws RingfenceError `not_found`, `conflict` */
  async putUser(tenant: TenantId, subject: Subject, may: Principal): Promise<void> {
    await this.#change(tenant, async (rows) => {
      await refuseTaken(rows, 'client', tenant, subject)
      await rows.query(
        `insert into identity.account (tenant, subject, roles, scopes) values ($1, $2, $3, $4)
         on conflict (tenant, subject) do update
           set roles = excluded.roles, scopes = excluded.scopes, changed_at = now()`,
        [tenant, subject, may.roles, may.scopes],
      )
    })
  }

  async user(tenant: TenantId, subject: Subject): Promise<Principal | undefined> {
    const [row] = await this.#database.query<{ roles: string[]; scopes: string[] }>(
      'select roles, scopes from identity.account where tenant = $1 and subject = $2',
      [tenant, subject],
    )
    return row
  }

  async removeUser(tenant: TenantId, subject: Subject): Promise<void> {
    await this.#database.query('delete from identity.account where tenant = $1 and subject = $2', [
      tenant,
      subject,
    ])
  }

  /**
   * Enters a client, or replaces what there was. Without `keys` it gets a random secret, which is
   * returned this once and kept as a hash.
   * @throws RingfenceError `not_found`, `conflict`, `invalid_argument` (the keys)
   */
  async putClient(
    tenant: TenantId,
    client: ClientId,
    may: Principal,
    keys: readonly PublicJwk[] | undefined,
  ): Promise<string | undefined> {
    const secret =
      keys === undefined ? `rfc_${randomBytes(SECRET_BYTES).toString('base64url')}` : undefined
    // Refuses what could not be verified with later.
    const checked = keys === undefined ? undefined : new KeySet(keys)
    await this.#change(tenant, async (rows) => {
      await refuseTaken(rows, 'account', tenant, client)
      await rows.query(
        `insert into identity.client (tenant, client, roles, scopes, secret_sha256, keys)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (tenant, client) do update
           set roles = excluded.roles, scopes = excluded.scopes, changed_at = now(),
             secret_sha256 = excluded.secret_sha256, keys = excluded.keys`,
        [
          tenant,
          client,
          may.roles,
          may.scopes,
          secret === undefined ? null : sha256(secret),
          checked === undefined ? null : JSON.stringify(keys),
        ],
      )
    })
    return secret
  }

  /** One query, whether the realm or the client is there or not. */
  async client(tenant: string, client: string): Promise<RealmClient | undefined> {
    const [row] = await this.#database.query<ClientRow>(
      `select r.open, c.roles, c.scopes, c.secret_sha256, c.keys
       from identity.client c join identity.realm r on r.tenant = c.tenant
       where c.tenant = $1 and c.client = $2`,
      [tenant, client],
    )
    if (row === undefined) return undefined
    const { open, roles, scopes } = row
    const keys = row.keys ?? undefined
    return { open, roles, scopes, secretSha256: row.secret_sha256 ?? undefined, keys }
  }

  async removeClient(tenant: TenantId, client: ClientId): Promise<void> {
    await this.#database.query('delete from identity.client where tenant = $1 and client = $2', [
      tenant,
      client,
    ])
  }

  async #change(tenant: TenantId, work: (rows: Rows) => Promise<void>): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await work(rows)
    })
  }
}

interface ClientRow {
  readonly open: boolean
  readonly roles: string[]
  readonly scopes: string[]
  readonly secret_sha256: Buffer | null
  readonly keys: PublicJwk[] | null
}

/** A hash without salt or rounds is enough: the secret is 256 random bits, not a password. */
export function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** A user and a client of one name would be one subject in tokens (RFC 9068, section 5). */
async function refuseTaken(
  rows: Rows,
  table: 'account' | 'client',
  tenant: TenantId,
  name: string,
): Promise<void> {
  const column = table === 'account' ? 'subject' : 'client'
  const found = await rows.query(
    `select from identity.${table} where tenant = $1 and ${column} = $2`,
    [tenant, name],
  )
  if (found.length > 0) throw new RingfenceError('conflict', 'the name is taken in this realm')
}
