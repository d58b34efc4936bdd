import type { GrantConfig } from '../../contracts/grant.ts'
import { grantSchema } from '../../contracts/grant.ts'
import type { GrantId, Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { enter } from '../entering.ts'

/** What tenants let principals of others do, as it is in force. */
export interface Grants {
  /** One of a tenant's own, by whatever anybody says that its id is. It may not be in its time. */
  find(grantor: TenantId, id: GrantId): Promise<GrantConfig | undefined>
}

/** Grants of the published configuration. Of the rest of it the identity plane sees nothing. */
export function publishedGrants(rows: Rows): Grants {
  return {
    async find(grantor, id) {
      const [row] = await rows.query<{ found: unknown }>(
        'select snapshot.grant_of($1, $2) as found',
        [grantor, id],
      )
      return row?.found === undefined || row.found === null
        ? undefined
        : grantSchema.parse(row.found)
    },
  }
}

export interface GrantUse {
  readonly grantor: TenantId
  readonly grantee: TenantId
  readonly grant: GrantId
  /** The principal, in the grantee's realm. */
  readonly subject: Subject
  /** `jti` of the token. */
  readonly token: string
  readonly scopes: readonly string[]
}

/** A use, as one of the two sides has it in its record. */
export interface RecordedUse {
  readonly grant: GrantId
  readonly side: 'grantor' | 'grantee'
  readonly token: string
  readonly scopes: string[]
  readonly at: Date
}

export interface UseQuery {
  readonly grant: string | undefined
  readonly limit: number
  /** The last one of the page before. */
  readonly after: Pick<RecordedUse, 'at' | 'token'> | undefined
}

const KEPT_DAYS = 400

/** Enters a token in the records and logs of both tenants, or in none. */
export async function recordUse(database: IdentityDatabase, use: GrantUse): Promise<void> {
  const { grantor, grantee, grant, subject, token, scopes } = use
  await database.transaction(async (rows) => {
    await rows.query(
      `insert into identity.grant_use (tenant, grant_id, jti, side, scopes)
     values ($1, $3, $4, 'grantor', $5), ($2, $3, $4, 'grantee', $5)`,
      [grantor, grantee, grant, token, scopes],
    )
    const used = {
      category: 'grant',
      action: 'grant.used',
      actor: { kind: 'user', id: subject, tenant: grantee },
      object: { type: 'token', id: token },
      decision: 'allowed',
      grant_id: grant,
    } as const
    await enter(rows, grantor, { ...used, detail: { scopes } })
    const own = { ...used, actor: { kind: 'user', id: subject } } as const
    await enter(rows, grantee, { ...own, detail: { scopes, grantor } })
  })
}

/** What a tenant's own record says, the newest first. */
export async function usesOf(
  rows: Rows,
  tenant: TenantId,
  { grant, limit, after }: UseQuery,
): Promise<readonly RecordedUse[]> {
  return rows.query<RecordedUse>(
    `select grant_id as grant, side, jti as token, scopes, at from identity.grant_use
      where tenant = $1 and ($2::text is null or grant_id = $2)
        and ($3::timestamptz is null or (at, jti) < ($3, $4::text))
      order by at desc, jti desc limit $5`,
    [tenant, grant ?? null, after?.at ?? null, after?.token ?? null, limit],
  )
}

/** Forgets uses of long ago. */
export async function forgetUses(database: IdentityDatabase): Promise<void> {
  await database.query(
    'delete from identity.grant_use where at < now() - make_interval(days => $1)',
    [KEPT_DAYS],
  )
}
