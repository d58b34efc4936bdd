import type { Names } from '../names.ts'
import { literal } from '../connection.ts'
import { isTenantRole } from './prelude.ts'
import type { StructureRule } from './rule.ts'

/** Functions of the application that tenants (or PUBLIC) may execute, and who of them. */
const REACHABLE = (names: Names) => `
  select p.oid, p.prosecdef, n.nspname,
    format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as signature, h.holders
  from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace, lateral (
    select string_agg(coalesce(quote_ident(r.rolname), 'public'), ', ') as holders
    from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
      left join pg_catalog.pg_roles r on r.oid = e.grantee
    where e.privilege_type = 'EXECUTE' and e.grantee <> p.proowner
      and (e.grantee = 0 or ${isTenantRole(names, 'r.rolname')})) h
  where n.nspname not in ('pg_catalog', 'information_schema', 'rf') and n.nspname !~ '^pg_'
    and h.holders is not null`

const REVOKE = `format('revoke execute on routine %s from %s', f.signature, f.holders)`

export const FUNCTION_RULES: readonly StructureRule[] = [
  {
    id: 'pg-definer-function',
    severity: 'critical',
    explanation:
      'Tenants may call a SECURITY DEFINER function that is not Ringfence\u2019s own: it does what its owner may do.',
    instead: 'write it SECURITY INVOKER, or revoke EXECUTE from tenants and PUBLIC',
    guarded: true,
    sql: (names) => `select f.signature as object, ${REVOKE} as fix
      from (${REACHABLE(names)}) f where f.prosecdef and f.nspname <> 'rf_delete'`,
  },
  {
    id: 'pg-definer-search-path',
    severity: 'high',
    explanation:
      'A SECURITY DEFINER function has no pinned search_path: whoever can create an object named in it changes what it does.',
    instead: 'add SET search_path = pg_catalog, pg_temp and qualify every name',
    guarded: true,
    sql: () => `select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as object,
        format('alter function %I.%I(%s) set search_path = pg_catalog, pg_temp', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as fix
      from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where p.prosecdef and n.nspname not in ('pg_catalog', 'information_schema')
        and not coalesce(p.proconfig::text ~ 'search_path=(\\\\"\\\\"|pg_catalog, pg_temp)', false)`,
  },
  {
    id: 'pg-function-not-named',
    severity: 'medium',
    explanation: 'Tenants may call a function that the manifest does not name.',
    instead: 'name it under functions in the manifest, or revoke EXECUTE from PUBLIC',
    guarded: false,
    sql: (names) => `select f.signature as object, ${REVOKE} as fix
      from (${REACHABLE(names)}) f where f.nspname <> 'rf_delete' and not f.prosecdef
        and not exists (select 1 from rf.application a, unnest(a.functions) named
          where to_regprocedure(named) = f.oid)`,
  },
  {
    id: 'pg-leakproof-function',
    severity: 'critical',
    explanation:
      'A function of the application is marked LEAKPROOF: it may run on other tenants\u2019 rows before the policy does.',
    instead: 'leave LEAKPROOF off; only functions that can neither fail nor log may have it',
    guarded: true,
    sql: () => `select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as object,
        format('alter function %I.%I(%s) not leakproof', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as fix
      from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where p.proleakproof and n.nspname not in ('pg_catalog', 'information_schema')`,
  },
  {
    id: 'pg-tenant-owns-function',
    severity: 'critical',
    explanation:
      'A tenant\u2019s role owns a function: it can change what the function does for everybody.',
    instead: 'let the installation\u2019s owner role own every function',
    guarded: true,
    sql: (names) => `select p.oid::regprocedure::text as object,
        format('alter routine %s owner to %I', p.oid::regprocedure, ${literal(names.owner)}) as fix
      from pg_catalog.pg_proc p join pg_catalog.pg_roles r on r.oid = p.proowner
      where ${isTenantRole(names, 'r.rolname')}`,
  },
]
