import { literal } from '../connection.ts'
import type { StructureRule } from './rule.ts'

/** What must hold of views that tenants reach. */
export const VIEW_RULES: readonly StructureRule[] = [
  {
    id: 'pg-view-runs-as-owner',
    severity: 'high',
    explanation: 'A view that tenants reach runs with its owner\u2019s rights instead of theirs.',
    instead: 'create the view WITH (security_invoker = true), and name it in the manifest',
    guarded: true,
    // Before PostgreSQL 15 every view runs as its owner: then only the one that row security binds will do.
    sql: (names) => `select rel.name as object, case when modern.yes
          then format('alter view %s set (security_invoker = true)', rel.name)
          else format('alter view %s owner to %I', rel.name, ${literal(names.owner)}) end as fix
      from rel join pg_catalog.pg_roles o on o.oid = rel.relowner,
        (select current_setting('server_version_num')::int >= 150000 as yes) modern
      where rel.relkind = 'v' and exists (select 1 from granted g where g.oid = rel.oid)
        and case when modern.yes
          then not coalesce(rel.reloptions::text ~ 'security_invoker=(true|on|1|yes)', false)
          else o.rolname <> ${literal(names.owner)} end`,
  },
  {
    id: 'pg-view-writable',
    severity: 'high',
    explanation:
      'Tenants may write through a view: on servers with CVE-2026-16237 an upsert through it takes rows that it does not show.',
    instead: 'grant SELECT on the view, and writing on the columns of its table',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object,
        format('revoke %s on %s from %s', lower(g.privilege), rel.name, g.grantee) as fix
      from granted g join rel on rel.oid = g.oid where rel.relkind = 'v' and g.privilege <> 'SELECT'`,
  },
]
