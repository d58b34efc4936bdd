import { createHash } from 'node:crypto'
import type { AdapterPayload } from 'oidc-provider'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import type { Artifact, ArtifactKey, ArtifactsOf, ArtifactStore } from './artifact-store.ts'
import { sessionOfGrant } from './session-of-grant.ts'

/**
 * Kinds whose id is worth something to whoever reads it. They are kept under a hash of it, and without
 * it. A device's code is not among them: it is found by what the user types and then written again.
 */
const HASHED = new Set([
  'AuthorizationCode',
  'InitialAccessToken',
  'PushedAuthorizationRequest',
  'RefreshToken',
  'RegistrationAccessToken',
  'Session',
])
/** Kinds that stay when a realm's or a client's access ends: what was used once stays used. */
const STAYING = ['InitialAccessToken', 'RegistrationAccessToken', 'ReplayDetection', 'RevokedToken']
const DEVICE_CHARACTERS_MAX = 500
const ADDRESS_CHARACTERS_MAX = 100

/** Artifacts of all realms in the table `identity.artifact`. Every query names the realm. */
export class PostgresArtifacts implements ArtifactStore {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  async put(key: ArtifactKey, artifact: Artifact): Promise<void> {
    await this.#write(key, artifact, 'replace')
  }

  /** False, and nothing is changed, when there is one under the key already. */
  putFirst(key: ArtifactKey, artifact: Artifact): Promise<boolean> {
    return this.#write(key, artifact, 'first')
  }

  async find(key: ArtifactKey): Promise<AdapterPayload | undefined> {
    const [row] = await this.#database.query<ArtifactRow>(`${SELECT} and id = $3`, [
      key.tenant,
      key.model,
      storedId(key),
    ])
    return row === undefined ? undefined : payloadOf(row, key.id)
  }

  async findByUid(
    tenant: TenantId,
    model: string,
    uid: string,
  ): Promise<AdapterPayload | undefined> {
    const [row] = await this.#database.query<ArtifactRow>(`${SELECT} and uid = $3`, [
      tenant,
      model,
      uid,
    ])
    return row === undefined ? undefined : payloadOf(row, undefined)
  }

  async findByUserCode(tenant: TenantId, userCode: string): Promise<AdapterPayload | undefined> {
    const [row] = await this.#database.query<ArtifactRow & { id: string }>(
      `${SELECT} and user_code = $3`,
      [tenant, 'DeviceCode', userCode],
    )
    return row === undefined ? undefined : payloadOf(row, row.id)
  }

  /** All of one kind that are a user's, with the ids under which they are kept. */
  async ofSubject(
    tenant: TenantId,
    model: string,
    subject: Subject,
  ): Promise<readonly { readonly id: string; readonly payload: AdapterPayload }[]> {
    return this.#database.query<{ id: string; payload: AdapterPayload }>(
      `select id, payload from identity.artifact
       where tenant = $1 and model = $2 and subject = $3
         and (expires_at is null or expires_at > now())
       order by created_at, id`,
      [tenant, model, subject],
    )
  }

  /** Marks it as used. True for the first of all that try, over all processes. */
  async consume(key: ArtifactKey): Promise<boolean> {
    const first = await this.#database.query(
      `update identity.artifact set consumed_at = now()
       where tenant = $1 and model = $2 and id = $3 and consumed_at is null returning id`,
      [key.tenant, key.model, storedId(key)],
    )
    return first.length > 0
  }

  async remove(key: ArtifactKey): Promise<void> {
    await this.#database.query(
      'delete from identity.artifact where tenant = $1 and model = $2 and id = $3',
      [key.tenant, key.model, storedId(key)],
    )
  }

  /** All of one kind that came of a grant. */
  async removeByGrant(tenant: TenantId, model: string, grant: string): Promise<void> {
    await this.#database.query(
      'delete from identity.artifact where tenant = $1 and model = $2 and grant_id = $3',
      [tenant, model, grant],
    )
  }

  /** A grant and all that came of it, in the caller's transaction. False when it was not there. */
  async removeGrant(rows: Rows, tenant: TenantId, grant: string): Promise<boolean> {
    const gone = await rows.query(
      `delete from identity.artifact where tenant = $1 and
         (grant_id = $2 or (model = 'Grant' and id = $2)) returning id`,
      [tenant, grant],
    )
    return gone.length > 0
  }

  async end(rows: Rows, tenant: TenantId, of: ArtifactsOf): Promise<void> {
    const [condition, value] =
      of.kind === 'subject'
        ? (['and subject = $3', of.subject] as const)
        : of.kind === 'client'
          ? (['and client = $3', of.client] as const)
          : (['', undefined] as const)
    await rows.query(
      `delete from identity.artifact where tenant = $1 and model <> all ($2) ${condition}`,
      [tenant, STAYING, ...(value === undefined ? [] : [value])],
    )
  }

  /** Forgets what has expired. Call it now and then. */
  async forgetExpired(): Promise<void> {
    await this.#database.query('delete from identity.artifact where expires_at < now()')
  }

  async #write(key: ArtifactKey, artifact: Artifact, how: 'replace' | 'first'): Promise<boolean> {
    const { payload, seconds, device, address } = artifact
    const { jti, ...rest } = payload
    const kept = HASHED.has(key.model) ? rest : { jti, ...rest }
    const isGrant = key.model === 'Grant'
    const written = await this.#database.query(
      `insert into identity.artifact (tenant, model, id, payload, uid, user_code, grant_id, subject,
         client, device, address, created_at, expires_at, consumed_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce(to_timestamp($12), now()),
         now() + make_interval(secs => $13), to_timestamp($14))
       on conflict (tenant, model, id) do ${how === 'replace' ? REPLACE : REPLACE_EXPIRED}
       returning id`,
      [
        key.tenant,
        key.model,
        storedId(key),
        JSON.stringify(kept),
        isGrant ? sessionOfGrant(key.id) : (payload.uid ?? null),
        payload.userCode ?? null,
        payload.grantId ?? null,
        payload.accountId ?? null,
        payload.clientId ?? null,
        device?.slice(0, DEVICE_CHARACTERS_MAX) ?? null,
        address?.slice(0, ADDRESS_CHARACTERS_MAX) ?? null,
        payload.iat ?? null,
        seconds ?? null,
        payload.consumed ?? null,
      ],
    )
    return written.length > 0
  }
}

const SELECT = `select payload, extract(epoch from consumed_at)::int as consumed
  from identity.artifact
  where tenant = $1 and model = $2 and (expires_at is null or expires_at > now())`

const REPLACE = `update set payload = excluded.payload, uid = excluded.uid,
  user_code = excluded.user_code, grant_id = excluded.grant_id, subject = excluded.subject,
  client = excluded.client, device = coalesce(excluded.device, artifact.device),
  address = coalesce(excluded.address, artifact.address), seen_at = now(),
  expires_at = excluded.expires_at`

/** What has expired is not there any more, though it was not swept yet. */
const REPLACE_EXPIRED = `${REPLACE} where artifact.expires_at < now()`

interface ArtifactRow {
  readonly payload: AdapterPayload
  readonly consumed: number | null
}

function payloadOf(row: ArtifactRow, id: string | undefined): AdapterPayload {
  return {
    ...row.payload,
    ...(id === undefined ? {} : { jti: id }),
    ...(row.consumed === null ? {} : { consumed: row.consumed }),
  }
}

function storedId({ model, id }: ArtifactKey): string {
  return HASHED.has(model) ? createHash('sha256').update(id).digest('base64url') : id
}
