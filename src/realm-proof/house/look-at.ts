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

/** Those that are somebody's. */
const ARTIFACTS = "r.subject is not null and r.model <> 'Interaction'"

/** All that other tenants have at a moment. */
export interface Look {
  /** One digest a table. */
  readonly tables: ReadonlyMap<string, string>
  /** A digest each artifact, with the milliseconds at which it is over. */
  readonly artifacts: readonly (readonly [digest: string, expiresAt: number])[]
  /** When it was looked, by the database's clock. Milliseconds. */
  readonly at: number
}

interface Row {
  readonly name: string
  readonly state: string
  readonly over: number | null
  readonly now: number
}

let tables: readonly string[] | undefined

/** @param attacker what is this one's may change */
export async function lookAt(database: IdentityDatabase, attacker: TenantId): Promise<Look> {
  tables ??= await tenantsTables(database)
  const text = `(to_jsonb(r) - array['${LOOKS.join("','")}'])::text`
  const milliseconds = (time: string) => `(extract(epoch from ${time}) * 1000)::float8`
  const now = milliseconds('statement_timestamp()')
  const each = tables.map((table) =>
    table === 'artifact'
      ? `select 'artifact' as name, md5(${text}) as state, ${milliseconds('r.expires_at')} as over, ${now} as now
         from identity.artifact r where r.tenant <> $1 and ${ARTIFACTS}`
      : `select '${table}' as name, md5(coalesce(string_agg(t.text, ',' order by t.text), '')) as state,
           null::float8 as over, ${now} as now
         from (select ${text} as text from identity.${table} r where r.tenant <> $1) t`,
  )
  const rows = await database.query<Row>(each.join(' union all '), [attacker])
  const isArtifact = ({ name }: Row) => name === 'artifact'
  return {
    tables: new Map(rows.filter((row) => !isArtifact(row)).map(({ name, state }) => [name, state])),
    artifacts: rows.filter(isArtifact).map(({ state, over }) => [state, over ?? Infinity]),
    at: rows[0]?.now ?? 0,
  }
}

/** Tables in which something is not what it was. */
export function changedSince(before: Look, after: Look): readonly string[] {
  const changed = [...after.tables.keys()].filter(
    (table) => before.tables.get(table) !== after.tables.get(table),
  )
  // What is over by now is cleared away by the plane itself, at whatever moment.
  const lasting = ({ artifacts }: Look) =>
    artifacts
      .filter(([, expiresAt]) => expiresAt > after.at)
      .map(([state]) => state)
      .toSorted()
      .join()
  return lasting(before) === lasting(after) ? changed : [...changed, 'artifact']
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
