import type { StructureRule } from './rule.ts'
import { isTenantRole } from './prelude.ts'
import { groupRoles } from '../names.ts'
import { literal } from '../connection.ts'

const revoke = `format('revoke %s%s on %s from %s', lower(g.privilege),
  coalesce((select format(' (%I)', a.attname) from pg_catalog.pg_attribute a
    where a.attrelid = g.oid and a.attnum = g.attnum), ''), rel.name, g.grantee)`

/** What tenants may be granted, and what not. */
export const GRANT_RULES: readonly StructureRule[] = [
  {
    id: 'pg-excess-privilege',
    severity: 'critical',
    explanation:
      'Tenants hold a privilege that row security does not filter: TRUNCATE empties all tenants, TRIGGER runs code in others\u2019 statements, REFERENCES probes keys, MAINTAIN and table-wide UPDATE or DELETE allow an ACCESS EXCLUSIVE lock.',
    instead: 'grant tenants SELECT, INSERT and UPDATE on columns; deletes go through rf_delete',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid
      where rel.relkind in ('r', 'p', 'f') and (
        g.privilege in ('TRUNCATE', 'REFERENCES', 'TRIGGER', 'MAINTAIN', 'DELETE')
        or (g.privilege = 'UPDATE' and g.attnum is null))`,
  },
  {
    id: 'pg-table-wide-privilege',
    severity: 'medium',
    explanation:
      'SELECT or INSERT is granted on the whole table: it covers columns that are added later and the system columns that count other tenants\u2019 writes.',
    instead: 'grant SELECT and INSERT on named columns',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid
      where rel.relkind in ('r', 'p') and not rel.shared and g.attnum is null
        and g.privilege in ('SELECT', 'INSERT')`,
  },
  {
    id: 'pg-tenant-column-writable',
    severity: 'medium',
    explanation:
      'Tenants may UPDATE the tenant column: only the policy\u2019s check then keeps a row from moving.',
    instead: 'grant UPDATE on the other columns',
    guarded: true,
    sql: () => `select format('%s.%I to %s', rel.name, rel.tenant_attname, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid
      where g.privilege = 'UPDATE' and g.attnum = rel.tenant_attnum`,
  },
  {
    id: 'pg-shared-table-writable',
    severity: 'high',
    explanation: 'Tenants may write a table that all tenants read.',
    instead: 'grant SELECT only on shared tables',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid where rel.shared and g.privilege <> 'SELECT'`,
  },
  {
    id: 'pg-public-privilege',
    severity: 'high',
    explanation:
      'A privilege is held by PUBLIC: every login of the server has it, tenants of other databases included.',
    instead: 'grant to the installation\u2019s groups, never to PUBLIC',
    guarded: true,
    sql: () => `select format('%s %s', rel.name, g.privilege) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid where g.grantee = 'public'`,
  },
  {
    id: 'pg-login-granted',
    severity: 'medium',
    explanation:
      'A privilege is granted to one tenant\u2019s login instead of a group: it outlives the lease and no review of the groups shows it.',
    instead: 'grant to the installation\u2019s groups',
    guarded: true,
    sql: (
      names,
    ) => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid
      where g.grantee <> 'public' and g.grantee not in (${groupRoles(names).map(literal).join(', ')})`,
  },
  {
    id: 'pg-partition-reachable',
    severity: 'high',
    explanation:
      'A partition is granted by itself: queries on it are not filtered by the parent\u2019s policies.',
    instead: 'grant the partitioned table only',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid where rel.relispartition`,
  },
  {
    id: 'pg-sequence-reachable',
    severity: 'medium',
    explanation:
      'Tenants reach a sequence: it counts all tenants\u2019 rows, and setval breaks their inserts.',
    instead: 'use uuid keys or identity columns, which need no grant',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid where rel.relkind = 'S'`,
  },
  {
    id: 'pg-unfilterable-relation',
    severity: 'critical',
    explanation:
      'Tenants reach a materialized view or a foreign table: neither can have row security.',
    instead: 'grant a security_invoker view over protected tables',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object, ${revoke} as fix
      from granted g join rel on rel.oid = g.oid where rel.relkind in ('m', 'f')`,
  },
  {
    id: 'pg-default-privilege',
    severity: 'high',
    explanation: 'Default privileges hand tenants the next table before anyone has looked at it.',
    instead: 'grant after the table is made; the manifest does it',
    guarded: true,
    sql: (
      names,
    ) => `select format('%s in %s by %s to %s', kind.name, coalesce(quote_ident(n.nspname), 'all schemas'),
        quote_ident(o.rolname), coalesce(quote_ident(r.rolname), 'public')) as object,
        format('alter default privileges for role %I%s revoke all on %s from %s', o.rolname,
          coalesce(' in schema ' || quote_ident(n.nspname), ''), kind.name,
          coalesce(quote_ident(r.rolname), 'public')) as fix
      from pg_catalog.pg_default_acl d join pg_catalog.pg_roles o on o.oid = d.defaclrole
        left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
        join (values ('r', 'tables'), ('S', 'sequences'), ('f', 'functions'), ('T', 'types'),
          ('n', 'schemas'), ('L', 'large objects')) kind(letter, name) on kind.letter = d.defaclobjtype::text,
        lateral aclexplode(d.defaclacl) e left join pg_catalog.pg_roles r on r.oid = e.grantee
      where (e.grantee = 0 and d.defaclobjtype <> 'T' or ${isTenantRole(names, 'r.rolname')})`,
  },
  {
    id: 'pg-grant-option',
    severity: 'high',
    explanation: 'Tenants may hand a privilege on: to other tenants, and to PUBLIC.',
    instead: 'grant without GRANT OPTION',
    guarded: true,
    sql: () => `select format('%s %s to %s', rel.name, g.privilege, g.grantee) as object,
        replace(${revoke}, 'revoke ', 'revoke grant option for ') as fix
      from granted g join rel on rel.oid = g.oid where g.grantable`,
  },
  {
    id: 'pg-tenant-owns',
    severity: 'critical',
    explanation: 'A tenant\u2019s role owns a relation: an owner may change its policies.',
    instead: 'let the installation\u2019s owner role own every object',
    guarded: true,
    sql: (
      names,
    ) => `select rel.name as object, format('alter table %s owner to %I', rel.name, ${literal(names.owner)}) as fix
      from rel join pg_catalog.pg_roles r on r.oid = rel.relowner where ${isTenantRole(names, 'r.rolname')}`,
  },
]
