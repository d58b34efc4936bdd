import { literal } from '../connection.ts'
import { guardPrinted, tenantPrinted, tenantSql } from '../install/identity.ts'
import type { Names } from '../names.ts'
import type { StructureRule } from './rule.ts'

const guardExpression = (names: Names) =>
  `format('(%I = %s)', s.tenant_attname, ${literal(guardPrinted(names))})`

/** What must hold of every table with tenant rows. The guard names the first that does not. */
export const TABLE_RULES: readonly StructureRule[] = [
  {
    id: 'pg-shared-has-tenant-column',
    severity: 'high',
    explanation:
      'The manifest shares a table that has the tenant column: every tenant reads the rows of all.',
    instead: 'take the table out of shared in the manifest, or drop its tenant column',
    guarded: true,
    sql: () => `select rel.name as object, null::text as fix from rel
      where rel.shared and rel.tenant_attnum is not null and rel.relkind in ('r', 'p')`,
  },
  {
    id: 'pg-tenant-column-missing',
    severity: 'critical',
    explanation:
      'Tenants can reach a table that has no tenant column, so nothing in it can be told apart.',
    instead:
      'add the tenant column, or name the table under shared in the manifest, or grant it to no tenant',
    guarded: true,
    sql: () => `select s.name as object, format('revoke all on %s from %s', s.name,
        (select string_agg(distinct g.grantee, ', ') from granted g where g.oid = s.oid)) as fix
      from subject s where s.tenant_attnum is null`,
  },
  {
    id: 'pg-tenant-column-type',
    severity: 'high',
    explanation:
      'The tenant column is not a uuid, so that the guard cannot compare it with the tenant.',
    instead: 'declare the tenant column as uuid',
    guarded: true,
    sql: () => `select s.name as object, null::text as fix from subject s
      where s.tenant_attnum is not null and s.tenant_type <> 'uuid'::regtype`,
  },
  {
    id: 'pg-rls-off',
    severity: 'critical',
    explanation:
      'Row security is not enabled: every tenant reads and writes every row it is granted.',
    instead: 'keep ROW LEVEL SECURITY enabled on tables that hold or show tenant rows',
    guarded: true,
    sql: () => `select s.name as object, format('alter table %s enable row level security', s.name) as fix
      from subject s where not s.relrowsecurity`,
  },
  {
    id: 'pg-rls-not-forced',
    severity: 'high',
    explanation:
      'Row security is not forced: the owner, and views and functions that run as the owner, see all tenants.',
    instead: 'keep FORCE ROW LEVEL SECURITY on tables with tenant rows',
    guarded: true,
    sql: () => `select s.name as object, format('alter table %s force row level security', s.name) as fix
      from subject s where not s.relforcerowsecurity`,
  },
  {
    id: 'pg-tenant-column-nullable',
    severity: 'medium',
    explanation:
      'The tenant column may be NULL: rows appear that belong to nobody and that no policy was written for.',
    instead: 'declare the tenant column NOT NULL',
    guarded: true,
    sql: () => `select s.name as object,
        format('alter table %s alter column %I set not null', s.name, s.tenant_attname) as fix
      from subject s where s.tenant_attnum is not null and not s.tenant_notnull`,
  },
  {
    id: 'pg-tenant-default',
    severity: 'medium',
    explanation:
      'The tenant column is not filled with the authenticated tenant: an insert that leaves it out fails or, with a constant default, names one tenant for all.',
    instead: 'leave the default of the tenant column as it is',
    guarded: true,
    sql: (
      names,
    ) => `select s.name as object, format('alter table %s alter column %I set default %s',
          s.name, s.tenant_attname, ${literal(tenantSql(names))}) as fix
      from subject s left join pg_catalog.pg_attrdef d
        on d.adrelid = s.oid and d.adnum = s.tenant_attnum
      where s.tenant_attnum is not null
        and pg_get_expr(d.adbin, d.adrelid) is distinct from ${literal(tenantPrinted(names))}`,
  },
  {
    id: 'pg-guard-missing',
    severity: 'critical',
    explanation:
      'No RESTRICTIVE policy for all commands and all roles compares the tenant column with the authenticated tenant: any permissive policy opens the table.',
    instead:
      'leave the policy ringfence_guard as it is; add permissive or further restrictive policies beside it',
    guarded: true,
    sql: (names) => `select s.name as object,
        format('select rf.protect(%L, %L)', s.name, s.tenant_attname) as fix
      from subject s where s.tenant_attnum is not null and not exists (
        select 1 from pg_catalog.pg_policy p where p.polrelid = s.oid and not p.polpermissive
          and p.polroles = '{0}' and p.polcmd = '*'
          and pg_get_expr(p.polqual, p.polrelid) = ${guardExpression(names)}
          and pg_get_expr(p.polwithcheck, p.polrelid) = ${guardExpression(names)})`,
  },
  {
    id: 'pg-policy-names-role',
    severity: 'high',
    explanation: 'A policy names a role. Any member of that role can remove it with DROP OWNED BY.',
    instead: 'write policies TO PUBLIC',
    guarded: true,
    sql: () => `select format('%s.%I', s.name, p.polname) as object,
        format('alter policy %I on %s to public', p.polname, s.name) as fix
      from subject s join pg_catalog.pg_policy p on p.polrelid = s.oid where p.polroles <> '{0}'`,
  },
  {
    id: 'pg-rewrite-rule',
    severity: 'high',
    explanation: 'A rewrite rule runs as the owner of the table, whatever the caller may do.',
    instead: 'use a trigger or a function instead of a rule',
    guarded: true,
    sql: () => `select format('%I on %s', r.rulename, rel.name) as object,
        format('drop rule %I on %s', r.rulename, rel.name) as fix
      from rel join pg_catalog.pg_rewrite r on r.ev_class = rel.oid
      where r.rulename <> '_RETURN' and rel.relkind in ('r', 'p', 'v')
        and (rel.relkind <> 'v' or exists (select 1 from granted g where g.oid = rel.oid))`,
  },
]
