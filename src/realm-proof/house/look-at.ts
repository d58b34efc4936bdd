import type { IdentityDatabase } from '../../identity/identity-database.ts'
import type { TenantId } from '../../core/tenant.ts'

/**
 * What anybody who visits a realm may bring about, and limits count: no change of what is somebody's.
 */
const VISITS = [
  'federation_request',
  'federation_used',
  'mail',
  'mail_link',
  'migration',
  'passkey_challenge',
  'recovery_request',
  'sign_in_attempt',
  'throttle',
  'used_assertion',
]
/** Told of every look, and of no change. */
const LOOKS = ['seen_at', 'last_used_at', 'used_at']

/** Those that are somebody's. What is over is cleared away by the plane itself, at whatever moment. */
const ARTIFACTS = "and r.subject is not null and r.model <> 'Interaction' and r.expires_at > now()"

let tables: readonly string[] | undefined

/** One digest a table of all that other tenants have. */
export async function lookAt(
  database: IdentityDatabase,
  attacker: TenantId,
): Promise<ReadonlyMap<string, string>> {
  tables ??= await tenantsTables(database)
  const each = tables.map(
    (table) =>
      `select '${table}' as name, md5(coalesce(string_agg(t.text, ',' order by t.text), '')) as state
       from (select (to_jsonb(r) - array['${LOOKS.join("','")}'])::text as text
         from identity.${table} r where r.tenant <> $1
         ${table === 'artifact' ? ARTIFACTS : ''}) t`,
  )
  const rows = await database.query<{ name: string; state: string }>(each.join(' union all '), [
    attacker,
  ])
  return new Map(rows.map(({ name, state }) => [name, state]))
}

async function tenantsTables(database: IdentityDatabase): Promise<readonly string[]> {
  const rows = await database.query<{ name: string }>(
    `select c.table_name as name from information_schema.columns c
     where c.table_schema = 'identity' and c.column_name = 'tenant' and c.table_name <> all ($1)
     order by 1`,
    [VISITS],
  )
  return rows.map(({ name }) => name)
}
