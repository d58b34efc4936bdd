import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import { lockRealm } from '../../realm-keys.ts'
import type { Connection } from './connection.ts'

/** An issuer (`oidc`) or an entity id (`saml`), exactly. */
export interface AllowedSource {
  readonly kind: Connection['kind']
  readonly source: string
}

/** Which identity providers a realm may federate with. Empty: with none. */
export class SourceAllowlist {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  async list(tenant: TenantId): Promise<readonly AllowedSource[]> {
    return this.#database.query<AllowedSource & Record<string, string>>(
      'select kind, source from identity.federation_source where tenant = $1 order by kind, source',
      [tenant],
    )
  }

  /** Not an error when it was allowed before. @throws RingfenceError `not_found` (the realm) */
  async allow(tenant: TenantId, { kind, source }: AllowedSource): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await lockRealm(rows, tenant)
      await rows.query(
        `insert into identity.federation_source (tenant, kind, source) values ($1, $2, $3)
         on conflict do nothing`,
        [tenant, kind, source],
      )
    })
  }

  /** Connections with it can no longer be used, from the next request on. */
  async disallow(tenant: TenantId, { kind, source }: AllowedSource): Promise<void> {
    await this.#database.query(
      'delete from identity.federation_source where tenant = $1 and kind = $2 and source = $3',
      [tenant, kind, source],
    )
  }
}

export async function isSourceAllowed(
  rows: Rows,
  tenant: TenantId,
  kind: Connection['kind'],
  source: string,
): Promise<boolean> {
  const found = await rows.query(
    'select from identity.federation_source where tenant = $1 and kind = $2 and source = $3',
    [tenant, kind, source],
  )
  return found.length > 0
}
