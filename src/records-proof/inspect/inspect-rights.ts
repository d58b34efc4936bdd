import type { Finding } from '../../core/finding.ts'
import type { LogDatabase } from '../../records/log/log-database.ts'

/** Whose tables are the records plane's alone. */
const SCHEMAS = ['records', 'usage', 'billing', 'alerts']

/** Looks who, besides the records plane, may do what with what it keeps. */
export async function inspectRights(admin: LogDatabase): Promise<readonly Finding[]> {
  const rows = await admin.query<{ readonly role: string; readonly name: string }>(
    `select r.rolname as role, n.nspname || '.' || c.relname as name
     from pg_class c join pg_namespace n on n.oid = c.relnamespace cross join pg_roles r
     where n.nspname = any($1) and c.relkind in ('r', 'p', 'v') and r.rolname like 'rf\\_%'
       and r.rolname <> 'rf_records' and not r.rolsuper and has_schema_privilege(r.oid, n.oid, 'usage')
       and has_table_privilege(r.oid, c.oid, 'select, insert, update, delete')
     order by 1, 2`,
    [SCHEMAS],
  )
  return rows.map(({ role, name }) => ({
    rule: 'records-of-another-plane',
    severity: 'high' as const,
    object: `${role} on ${name}`,
    explanation: `Whoever takes over ${role}'s plane reads or changes what the records plane keeps of all tenants.`,
    fix: `revoke all on ${name} from ${role}`,
  }))
}
