import { createHash, randomBytes } from 'node:crypto'
import type { ClientMetadata } from 'oidc-provider'
import { RingfenceError } from '../../core/errors.ts'
import type { ClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { lockRealm } from '../realm-keys.ts'
import { type Principal, refuseTaken } from '../realm-store.ts'
import { isReserved } from './built-in-clients.ts'
import { methodOf, parseDetails } from './checked-client.ts'
import type { ClientDetails, ClientDetailsInput } from './client-spec.ts'
import type { EndAccess } from './end-access.ts'
import type { ClientAuthMethod, RealmAlgorithm } from './realm-settings.ts'
import { enterChange } from '../entering.ts'

const SECRET_BYTES = 32

/** A client as a realm knows it. */
export interface RealmClient extends Principal, ClientDetails {
  readonly client: ClientId
  readonly authMethod: ClientAuthMethod
  readonly idTokenAlg: RealmAlgorithm
  readonly secretSha256: Buffer | undefined
  readonly keys: readonly PublicJwk[] | undefined
  /** What it said of itself when it registered itself. */
  readonly registered: ClientMetadata | undefined
}

export type ClientSpec = Principal & ClientDetailsInput

/** The clients of realms. Every query names the realm. */
export class RealmClients {
  readonly #database: IdentityDatabase
  readonly #endAccess: EndAccess

  constructor(database: IdentityDatabase, endAccess: EndAccess) {
    this.#database = database
    this.#endAccess = endAccess
  }

  /** Of an open realm. One query, whether the realm or the client is there or not. */
  async find(tenant: TenantId, client: string): Promise<RealmClient | undefined> {
    const [row] = await this.#database.query<Row>(
      `${SELECT} join identity.realm r on r.tenant = c.tenant and r.open
       where c.tenant = $1 and c.client = $2`,
      [tenant, client.includes('\0') ? '' : client],
    )
    return row === undefined ? undefined : clientOf(row)
  }

  /** All of a realm, by name. */
  async list(tenant: TenantId): Promise<readonly RealmClient[]> {
    const rows = await this.#database.query<Row>(`${SELECT} where c.tenant = $1 order by client`, [
      tenant,
    ])
    return rows.map(clientOf)
  }

  /**
   * Enters a client, or replaces what there was, and with it all that it was given. Where its way to
   * authenticate needs a secret it gets a random one, which is returned this once and kept as a hash.
   * @param onlyNew refuse one that is there, with `conflict`
   * @throws RingfenceError `not_found`, `conflict`, `invalid_argument`
   */
  async put(
    tenant: TenantId,
    client: ClientId,
    spec: ClientSpec,
    keys: readonly PublicJwk[] | undefined,
    onlyNew = false,
  ): Promise<string | undefined> {
    if (isReserved(client)) throw new RingfenceError('conflict', 'the name is the platform’s own')
    const { roles, scopes, ...rest } = spec
    const details = parseDetails(rest)
    const method = methodOf(details, keys)
    const secret = method.startsWith('client_secret') ? newSecret() : undefined
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await refuseTaken(rows, 'account', tenant, client)
      const before = await rows.query(
        'select from identity.client where tenant = $1 and client = $2',
        [tenant, client],
      )
      if (onlyNew && before.length > 0) {
        throw new RingfenceError('conflict', 'the realm has a client of this id')
      }
      await rows.query(PUT, [
        tenant,
        client,
        roles,
        scopes,
        secret === undefined ? null : sha256(secret),
        keys === undefined ? null : JSON.stringify(keys),
        details.name ?? null,
        method,
        details.grantTypes,
        details.redirectUris,
        details.postLogoutRedirectUris,
        details.backchannelLogoutUri ?? null,
        details.origins,
        details.firstParty,
        details.dpopBound,
        details.idTokenAlg ?? 'ES256',
      ])
      const action = before.length > 0 ? 'client.changed' : 'client.created'
      await enterChange(rows, tenant, action, client, { roles, scopes, method })
      if (before.length > 0) await this.#endAccess.ofClient(rows, tenant, client)
    })
    return secret
  }

  async remove(tenant: TenantId, client: string): Promise<void> {
    await this.#database.transaction(async (rows) => {
      const gone = await rows.query(
        'delete from identity.client where tenant = $1 and client = $2 returning client',
        [tenant, client],
      )
      if (gone.length === 0) return
      await enterChange(rows, tenant, 'client.removed', client)
      await this.#endAccess.ofClient(rows, tenant, client)
    })
  }

  /** What a client may at this moment; undefined when it or its realm is not there or not open. */
  async principal(tenant: TenantId, client: string): Promise<Principal | undefined> {
    const [row] = await this.#database.query<{ roles: string[]; scopes: string[] }>(
      `select c.roles, c.scopes from identity.client c
         join identity.realm r on r.tenant = c.tenant and r.open
       where c.tenant = $1 and c.client = $2`,
      [tenant, client],
    )
    return row
  }

  /**
   * Enters a client that registers itself, or changes one that did. It has the scopes of the realm's
   * policy and no roles, and users are asked about it.
   * @throws RingfenceError `conflict` when there are as many as may be
   */
  async putRegistered(tenant: TenantId, registered: RegisteredClient, most: number): Promise<void> {
    const { client, metadata, method, secretSha256, keys, scopes, grantTypes } = registered
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await refuseTaken(rows, 'account', tenant, client)
      await refuseMoreThan(rows, tenant, client, most)
      const values = [
        tenant,
        client,
        [],
        scopes,
        secretSha256 ?? null,
        keys === undefined ? null : JSON.stringify(keys),
        null,
        method,
        grantTypes,
        [],
        [],
        null,
        [],
        false,
        false,
        'ES256',
      ]
      const before = await rows.query(
        'select from identity.client where tenant = $1 and client = $2',
        [tenant, client],
      )
      await rows.query(PUT, values)
      await rows.query(
        'update identity.client set registered = $3 where tenant = $1 and client = $2',
        [tenant, client, JSON.stringify(metadata)],
      )
      await enterChange(rows, tenant, 'client.registered', client, { scopes, method })
      if (before.length > 0) await this.#endAccess.ofClient(rows, tenant, client)
    })
  }
}

export interface RegisteredClient {
  readonly client: string
  readonly metadata: ClientMetadata
  readonly method: ClientAuthMethod
  readonly secretSha256: Buffer | undefined
  readonly keys: readonly PublicJwk[] | undefined
  readonly scopes: readonly string[]
  readonly grantTypes: readonly string[]
}

/** A hash without salt or rounds is enough: the secret is 256 random bits, not a password. */
export function sha256(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

export function newSecret(): string {
  return `rfc_${randomBytes(SECRET_BYTES).toString('base64url')}`
}

const SELECT = `select c.client, c.roles, c.scopes, c.secret_sha256, c.keys, c.name, c.auth_method,
  c.grant_types, c.redirect_uris, c.post_logout_redirect_uris, c.backchannel_logout_uri, c.origins,
  c.first_party, c.dpop_bound, c.id_token_alg, c.registered
  from identity.client c`

const PUT = `insert into identity.client (tenant, client, roles, scopes, secret_sha256, keys, name,
    auth_method, grant_types, redirect_uris, post_logout_redirect_uris, backchannel_logout_uri,
    origins, first_party, dpop_bound, id_token_alg)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
  on conflict (tenant, client) do update set roles = excluded.roles, scopes = excluded.scopes,
    secret_sha256 = excluded.secret_sha256, keys = excluded.keys, name = excluded.name,
    auth_method = excluded.auth_method, grant_types = excluded.grant_types,
    redirect_uris = excluded.redirect_uris,
    post_logout_redirect_uris = excluded.post_logout_redirect_uris,
    backchannel_logout_uri = excluded.backchannel_logout_uri, origins = excluded.origins,
    first_party = excluded.first_party, dpop_bound = excluded.dpop_bound,
    id_token_alg = excluded.id_token_alg, registered = null, changed_at = now()`

interface Row {
  readonly client: ClientId
  readonly roles: string[]
  readonly scopes: string[]
  readonly secret_sha256: Buffer | null
  readonly keys: PublicJwk[] | null
  readonly name: string | null
  readonly auth_method: ClientAuthMethod
  readonly grant_types: ClientDetails['grantTypes']
  readonly redirect_uris: string[]
  readonly post_logout_redirect_uris: string[]
  readonly backchannel_logout_uri: string | null
  readonly origins: string[]
  readonly first_party: boolean
  readonly dpop_bound: boolean
  readonly id_token_alg: RealmAlgorithm
  readonly registered: ClientMetadata | null
}

function clientOf(row: Row): RealmClient {
  return {
    client: row.client,
    roles: row.roles,
    scopes: row.scopes,
    secretSha256: row.secret_sha256 ?? undefined,
    keys: row.keys ?? undefined,
    name: row.name ?? undefined,
    authMethod: row.auth_method,
    grantTypes: row.grant_types,
    redirectUris: row.redirect_uris,
    postLogoutRedirectUris: row.post_logout_redirect_uris,
    backchannelLogoutUri: row.backchannel_logout_uri ?? undefined,
    origins: row.origins,
    firstParty: row.first_party,
    dpopBound: row.dpop_bound,
    idTokenAlg: row.id_token_alg,
    registered: row.registered ?? undefined,
  }
}

async function refuseMoreThan(
  rows: Rows,
  tenant: TenantId,
  client: string,
  most: number,
): Promise<void> {
  const others = await rows.query(
    `select from identity.client where tenant = $1 and client <> $2 and registered is not null
     limit $3`,
    [tenant, client, most],
  )
  if (others.length >= most) {
    throw new RingfenceError('conflict', 'there are as many registered clients as may be')
  }
}
