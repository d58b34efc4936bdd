import {
  CLOSED_CLASS_COLUMNS,
  CLOSED_FUNCTION_PATTERN,
  CLOSED_FUNCTIONS,
  CLOSED_PROC_COLUMNS,
  CLOSED_SIGNATURES,
  CLOSED_VIEW_PATTERN,
  CLOSED_VIEWS,
} from '../install/revokes.ts'
import { isTenantRole, list } from './prelude.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'

const HIDDEN_COLUMNS = [...CLOSED_CLASS_COLUMNS, ...CLOSED_PROC_COLUMNS]
/** The two relations that stay readable, less their hidden columns. */
const PARTLY_OPEN = `('pg_catalog.pg_class'::regclass, 'pg_catalog.pg_proc'::regclass)`

/** What initdb gave PUBLIC on the object, where that was recorded. */
const initially = (catalog: string, oid: string, column: string, privilege: string) =>
  `exists (select 1 from pg_catalog.pg_init_privs i, lateral aclexplode(i.initprivs) g
    where i.classoid = '${catalog}'::regclass and i.objoid = ${oid} and i.objsubid = ${column}
      and g.grantee = 0 and g.privilege_type = ${privilege})`

/** What PUBLIC or tenants hold on the system's own objects beyond what the installation left them. */
export const SYSTEM_RULES: readonly Rule<DatabaseSubject>[] = [
  {
    id: 'pg-system-function-open',
    severity: 'high',
    explanation:
      'Tenants may call a system function that shows or touches what other sessions do, or reaches beyond their tables (sizes, locks, notifications, large objects, files).',
    sql: ({ names }) => `
      select format('%s to %s', p.oid::regprocedure, coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke all on routine pg_catalog.%s from %s', p.oid::regprocedure, coalesce(quote_ident(r.rolname), 'public')) as fix
      from (
        select f.* from (
          select p.oid, p.proowner, p.proacl, p.proname ~ '${CLOSED_FUNCTION_PATTERN}'
              or p.proname in (${list(CLOSED_FUNCTIONS)})
              or p.proname in (${list(CLOSED_SIGNATURES.map((one) => one.replace(/\(.*/, '')))})
                and p.oid::regprocedure::text in (${list(CLOSED_SIGNATURES)}) as closed
          from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace and p.prokind in ('f', 'p')
          offset 0
        ) f where f.proacl is not null or f.closed
      ) p, lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
        left join pg_catalog.pg_roles r on r.oid = e.grantee
      where ${isTenantRole(names, 'r.rolname')}
        or e.grantee = 0 and (p.closed or exists (select 1 from pg_catalog.pg_init_privs i
            where i.classoid = 'pg_proc'::regclass and i.objoid = p.oid)
          and not ${initially('pg_proc', 'p.oid', '0', "'EXECUTE'")})`,
  },
  {
    id: 'pg-system-view-open',
    severity: 'high',
    explanation:
      'Tenants may read a system view or table that lists other tenants, what their sessions do, or samples of their values.',
    sql: ({ names }) => `
      select format('%s %s%s to %s', x.name, x.privilege_type, coalesce(' (' || quote_ident(x.attname) || ')', ''),
          coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke %s%s on %s from %s', lower(x.privilege_type), coalesce(' (' || quote_ident(x.attname) || ')', ''),
          x.name, coalesce(quote_ident(r.rolname), 'public')) as fix
      from (
        select c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) as name, null::name as attname, 0 as attnum,
            e.privilege_type, e.grantee
          from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace,
            lateral aclexplode(c.relacl) e
          where n.nspname in ('pg_catalog', 'information_schema') and e.grantee <> c.relowner
        union all
        select c.oid, n.nspname, c.relname, format('%I.%I', n.nspname, c.relname), a.attname, a.attnum, e.privilege_type, e.grantee
          from pg_catalog.pg_attribute a join pg_catalog.pg_class c on c.oid = a.attrelid
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace, lateral aclexplode(a.attacl) e
          where n.nspname in ('pg_catalog', 'information_schema') and c.oid not in ${PARTLY_OPEN}
            and e.grantee <> c.relowner
      ) x left join pg_catalog.pg_roles r on r.oid = x.grantee
      where ${isTenantRole(names, 'r.rolname')} or x.grantee = 0 and (
        x.relname ~ '${CLOSED_VIEW_PATTERN}' or x.relname in (${list(CLOSED_VIEWS)})
        or x.nspname = 'information_schema' and x.privilege_type <> 'SELECT'
        or x.nspname = 'pg_catalog' and x.oid not in ${PARTLY_OPEN} and not ${initially('pg_class', 'x.oid', 'x.attnum', 'x.privilege_type')})`,
  },
  {
    id: 'pg-system-column-open',
    severity: 'medium',
    explanation:
      'Tenants may read columns of pg_class or pg_proc that count all tenants\u2019 rows or hold function bodies.',
    sql: ({ names }) => `
      select format('%s%s to %s', x.oid::regclass, coalesce('.' || x.attname, ''), coalesce(quote_ident(r.rolname), 'public')) as object,
        format('revoke select on pg_catalog.%1$s from %2$s; grant select (%3$s) on pg_catalog.%1$s to public', x.oid::regclass,
          coalesce(quote_ident(r.rolname), 'public'), (select string_agg(quote_ident(a.attname), ', ' order by a.attnum)
            from pg_catalog.pg_attribute a where a.attrelid = x.oid and a.attnum > 0 and not a.attisdropped
              and a.attname not in (${list(HIDDEN_COLUMNS)}))) as fix
      from (
        select c.oid, null::name as attname, e.privilege_type, e.grantee
          from pg_catalog.pg_class c, lateral aclexplode(c.relacl) e where c.oid in ${PARTLY_OPEN}
        union all
        select a.attrelid, a.attname, e.privilege_type, e.grantee
          from pg_catalog.pg_attribute a, lateral aclexplode(a.attacl) e
          where a.attrelid in ${PARTLY_OPEN} and a.attname in (${list(HIDDEN_COLUMNS)})
      ) x left join pg_catalog.pg_roles r on r.oid = x.grantee
      where x.privilege_type = 'SELECT' and (x.grantee = 0 or ${isTenantRole(names, 'r.rolname')})`,
  },
  {
    id: 'pg-system-leakproof',
    severity: 'critical',
    explanation:
      'A built-in function was changed after the server was made and is marked LEAKPROOF: where it can fail or complain, it shows rows before the policy filters them.',
    // What initdb itself made has the transaction id 1.
    sql: () => `select p.oid::regprocedure::text as object,
        format('alter function pg_catalog.%s not leakproof', p.oid::regprocedure) as fix
      from pg_catalog.pg_proc p where p.pronamespace = 'pg_catalog'::regnamespace
        and p.proleakproof and p.xmin::text <> '1'`,
  },
]
