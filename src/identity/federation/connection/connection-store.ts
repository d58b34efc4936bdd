import type { JWK } from 'jose'
import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { SigningKey } from '../../../tokens/signing-key.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import { lockRealm } from '../../realm-keys.ts'
import type { SealingKey } from '../../sealing-key.ts'
import { removeFederatedRoles } from '../accounts/federated-roles.ts'
import type {
  Connection,
  ConnectionSecrets,
  ConnectionSummary,
  ServiceProviderCertificates,
  UsableConnection,
} from './connection.ts'
import { sourceOf } from './connection.ts'
import type { ConnectionId } from './connection-id.ts'
import type { ParsedConnectionInput } from './connection-input.ts'
import { CONNECTION_COLUMNS, type ConnectionRow, connectionOf } from './connection-row.ts'
import { openSecrets, sealSecrets } from './connection-secrets.ts'
import { makeServiceProviderKeys, type ServiceProviderKeys } from './service-provider-keys.ts'
import { isSourceAllowed, SOURCE_IS_ALLOWED } from './source-allowlist.ts'
import { enterChange } from '../../entering.ts'

/** How many a realm can have. */
export const CONNECTIONS_MAX = 50

/** The connections of realms. Every query names the realm. */
export class ConnectionStore {
  readonly #database: IdentityDatabase
  readonly #sealing: SealingKey

  constructor(database: IdentityDatabase, sealing: SealingKey) {
    this.#database = database
    this.#sealing = sealing
  }

  async list(tenant: TenantId): Promise<readonly Connection[]> {
    const rows = await this.#database.query<ConnectionRow>(
      `select ${CONNECTION_COLUMNS} from identity.federation_connection
       where tenant = $1 order by id`,
      [tenant],
    )
    return rows.map(connectionOf)
  }

  async get(tenant: TenantId, id: ConnectionId): Promise<Connection | undefined> {
    const row = await find(this.#database, tenant, id)
    return row === undefined ? undefined : connectionOf(row)
  }

  /** What a sign-in page offers: enabled ones, whose provider the realm allows. */
  async offered(tenant: TenantId): Promise<readonly ConnectionSummary[]> {
    const rows = await this.#database.query<ConnectionRow>(
      `select ${CONNECTION_COLUMNS} from identity.federation_connection c
       where tenant = $1 and enabled and ${SOURCE_IS_ALLOWED} order by display_name, id`,
      [tenant],
    )
    return rows.map(connectionOf).map(({ id, kind, displayName }) => ({ id, kind, displayName }))
  }

  /** One query, whether there is such a connection, or it is disabled or not allowed, or not. */
  async usable(tenant: TenantId, id: ConnectionId): Promise<UsableConnection | undefined> {
    const [row] = await this.#database.query<ConnectionRow>(
      `select ${CONNECTION_COLUMNS} from identity.federation_connection c
       where tenant = $1 and id = $2 and enabled and ${SOURCE_IS_ALLOWED}`,
      [tenant, id],
    )
    if (row === undefined) return undefined
    return { ...connectionOf(row), secrets: openSecrets(this.#sealing, tenant, id, row.secrets) }
  }

  /** The public key by which the provider knows us, of a connection with `private_key_jwt`. */
  async clientJwk(
    tenant: TenantId,
    id: ConnectionId,
  ): Promise<SigningKey['publicJwk'] | undefined> {
    const row = await find(this.#database, tenant, id)
    if (row === undefined) return undefined
    const secrets = openSecrets(this.#sealing, tenant, id, row.secrets)
    if (secrets.kind !== 'oidc' || secrets.clientKey === undefined) return undefined
    return (await SigningKey.fromJwk(secrets.clientKey)).publicJwk
  }

  /**
   * Makes the connection, or changes it. Keys are made here and never leave.
   * @throws RingfenceError `not_found` (the realm), `invalid_argument` (a provider that is not
   *   allowed, a secret that is missing), `conflict` (another kind than before),
   *   `precondition_failed` when `version` is not the present one
   * @param ended in the same transaction: it is disabled, or is to another provider
   */
  async put(
    tenant: TenantId,
    id: ConnectionId,
    input: ParsedConnectionInput,
    version: number | undefined,
    ended: (rows: Rows) => Promise<void>,
  ): Promise<Connection> {
    // Making RSA keys takes a while: not inside the transaction.
    const isNew = (await this.get(tenant, id)) === undefined
    const keys =
      isNew && input.kind === 'saml' ? await makeServiceProviderKeys(`${tenant} ${id}`) : undefined
    const { privateJwk } = await SigningKey.create('ES256')
    return this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      const before = await find(rows, tenant, id)
      const was = before === undefined ? undefined : connectionOf(before)
      if (version !== undefined && was?.version !== version) {
        throw new RingfenceError('precondition_failed', 'the connection was changed meanwhile')
      }
      if (was !== undefined && was.kind !== input.kind) {
        throw new RingfenceError('conflict', 'a connection of another kind has this id')
      }
      if (was === undefined) await refuseTooMany(rows, tenant)
      const source = input.kind === 'oidc' ? input.config.issuer : input.config.entityId
      if (!(await isSourceAllowed(rows, tenant, input.kind, source))) {
        throw new RingfenceError(
          'invalid_argument',
          'the identity provider is not among those that this realm allows',
        )
      }
      const kept =
        before === undefined || was === undefined
          ? undefined
          : openSecrets(this.#sealing, tenant, id, before.secrets)
      const isSameSource = was !== undefined && sourceOf(was) === source
      const secrets =
        input.kind === 'oidc'
          ? oidcSecrets(input, isSameSource ? kept : undefined, privateJwk)
          : samlSecrets(kept, keys)
      const certificates = was?.kind === 'saml' ? was.certificates : keys?.certificates
      const saved = await save(
        rows,
        tenant,
        id,
        input,
        sealSecrets(this.#sealing, tenant, id, secrets),
        certificates,
      )
      const what = { kind: input.kind, source, enabled: saved.enabled }
      const action = was === undefined ? 'connection.created' : 'connection.changed'
      await enterChange(rows, tenant, action, id, what)
      if (was !== undefined && !(isSameSource && saved.enabled)) await ended(rows)
      return saved
    })
  }

  /**
   * Links, domains and the roles that it gave go with it; users stay. Not an error when it was not there.
   * @param ended in the same transaction: what came through it is to end
   */
  async remove(
    tenant: TenantId,
    id: ConnectionId,
    ended: (rows: Rows) => Promise<void>,
  ): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await ended(rows)
      await removeFederatedRoles(rows, tenant, id)
      await rows.query('delete from identity.federation_connection where tenant = $1 and id = $2', [
        tenant,
        id,
      ])
      await enterChange(rows, tenant, 'connection.removed', id)
    })
  }
}

async function find(rows: Rows, tenant: TenantId, id: ConnectionId) {
  const [row] = await rows.query<ConnectionRow>(
    `select ${CONNECTION_COLUMNS} from identity.federation_connection where tenant = $1 and id = $2`,
    [tenant, id],
  )
  return row
}

async function refuseTooMany(rows: Rows, tenant: TenantId): Promise<void> {
  const found = await rows.query('select from identity.federation_connection where tenant = $1', [
    tenant,
  ])
  if (found.length >= CONNECTIONS_MAX) {
    throw new RingfenceError('conflict', `a realm has at most ${CONNECTIONS_MAX} connections`)
  }
}

type OidcInput = Extract<ParsedConnectionInput, { kind: 'oidc' }>

/** `kept` is of the same provider: a secret that was given for one is never sent to another. */
function oidcSecrets(input: OidcInput, kept: ConnectionSecrets | undefined, newKey: JWK) {
  const before = kept?.kind === 'oidc' ? kept : undefined
  if (input.config.clientAuth === 'private_key_jwt') {
    return { kind: 'oidc', clientKey: before?.clientKey ?? newKey } as const
  }
  const clientSecret = input.clientSecret ?? before?.clientSecret
  if (clientSecret === undefined) {
    throw new RingfenceError('invalid_argument', 'the connection needs its client secret')
  }
  return { kind: 'oidc', clientSecret } as const
}

function samlSecrets(kept: ConnectionSecrets | undefined, made: ServiceProviderKeys | undefined) {
  if (kept !== undefined) return kept
  if (made === undefined)
    throw new RingfenceError('conflict', 'the connection has just been removed')
  const { signingKey, encryptionKey } = made
  return { kind: 'saml', signingKey, encryptionKey } as const
}

async function save(
  rows: Rows,
  tenant: TenantId,
  id: ConnectionId,
  input: ParsedConnectionInput,
  sealed: Buffer,
  certificates: ServiceProviderCertificates | undefined,
): Promise<Connection> {
  const [row] = await rows.query<ConnectionRow>(
    `insert into identity.federation_connection
       (tenant, id, kind, display_name, enabled, config, secrets, certificates)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (tenant, id) do update set display_name = excluded.display_name,
       enabled = excluded.enabled, config = excluded.config, secrets = excluded.secrets,
       certificates = excluded.certificates, version = federation_connection.version + 1,
       changed_at = now()
     returning ${CONNECTION_COLUMNS}`,
    [
      tenant,
      id,
      input.kind,
      input.displayName,
      input.enabled,
      JSON.stringify(input.config),
      sealed,
      certificates === undefined ? null : JSON.stringify(certificates),
    ],
  )
  if (row === undefined) throw new RingfenceError('internal', 'the connection was not stored')
  return connectionOf(row)
}
