import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import { lockRealm } from '../../realm-keys.ts'
import type { Connection } from './connection.ts'
import { enterChange } from '../../entering.ts'

/** An issuer (`oidc`) or an entity id (`saml`), exactly. */
export interface AllowedSource {
  readonly kind: Connection['kind']
  readonly source: string
}

/** Of the connection `c`. Taken back, it holds at the next request. */
export const SOURCE_IS_ALLOWED = `exists (
  select from identity.federation_source s where s.tenant = c.tenant and s.kind = c.kind
    and s.source = c.config ->> case c.kind when 'oidc' then 'issuer' else 'entityId' end)`

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
      await enterChange(rows, tenant, 'source.allowed', source, { kind })
    })
  }

  /**
   * Connections with it can no longer be used, from the next request on.
   * @param also in the same transaction: what is done about connections with it
   */
  async disallow(
    tenant: TenantId,
    { kind, source }: AllowedSource,
    also: (rows: Rows, connections: readonly string[]) => Promise<void>,
  ): Promise<void> {
    await this.#database.transaction(async (rows) => {
      const found = await rows.query<{ id: string }>(
        `select id from identity.federation_connection where tenant = $1 and kind = $2
           and config ->> case kind when 'oidc' then 'issuer' else 'entityId' end = $3
         for update`,
        [tenant, kind, source],
      )
      await rows.query(
        'delete from identity.federation_source where tenant = $1 and kind = $2 and source = $3',
        [tenant, kind, source],
      )
      await enterChange(rows, tenant, 'source.disallowed', source, { kind })
      await also(
        rows,
        found.map(({ id }) => id),
      )
    })
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
