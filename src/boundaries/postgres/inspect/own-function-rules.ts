import { createHash } from 'node:crypto'
import { literal } from '../connection.ts'
import { groupRoles, type Names } from '../names.ts'
import type { OwnFunction } from './own-functions.ts'
import { list } from './prelude.ts'

/** `custody.find_tenant`, and who besides its owner may call it. */
export type Callers = ReadonlyMap<string, readonly string[]>

/** Who may call the functions of schema rf. The others are for nobody. */
export function callersOfDatabase(names: Names): Callers {
  const tenants = groupRoles(names)
  return new Map([
    ['rf.tenant', [...tenants, names.owner, names.definer]],
    ['rf.channel', tenants],
    ['rf.notify', tenants],
    ['rf.lock', tenants],
  ])
}

/** What the custodian is given, in custody.ts: it can do no more. */
export function callersOfCustody(names: Names): Callers {
  const custodian = [names.custodian]
  return new Map(
    'find_tenant open_lease end_leases drain expire leases activity end_session reset_settings'
      .split(' ')
      .map((name) => [`custody.${name}`, custodian]),
  )
}

/** SQL for own functions that are missing or not as the installation made them. */
export function alteredSql(functions: readonly OwnFunction[]): string {
  const rows = functions.map(
    (one) =>
      `(${[one.name, sha256(one.body), one.language, one.volatility, one.repair].map(literal).join(', ')}, ${one.securityDefiner}, ${one.pinned}, ${one.owner === undefined ? 'null' : literal(one.owner)})`,
  )
  return `select w.name as object, w.repair as fix
    from (values ${rows.join(',\n')}) w(name, sha256, language, volatility, repair, definer, pinned, owner)
      left join (pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        join pg_catalog.pg_language l on l.oid = p.prolang
        join pg_catalog.pg_roles o on o.oid = p.proowner)
      on n.nspname = split_part(w.name, '.', 1) and p.proname = split_part(w.name, '.', 2)
    where p.oid is null
      or encode(sha256(convert_to(coalesce(pg_get_function_sqlbody(p.oid), p.prosrc), 'UTF8')), 'hex') <> w.sha256
      or l.lanname <> w.language or p.provolatile::text <> w.volatility or p.prosecdef <> w.definer
      or p.proconfig is distinct from case when w.pinned then array['search_path=pg_catalog, pg_temp'] end
      or p.proleakproof
      or case when w.owner is null then not o.rolsuper else o.rolname <> w.owner end`
}

/** SQL for functions in our schemas that are not ours. */
export function strangeSql(functions: readonly OwnFunction[], schema: string): string {
  return `select format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as object,
      format('drop routine %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as fix
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = ${literal(schema)} and format('%s.%s', n.nspname, p.proname)
        not in (${list(functions.map((one) => one.name))})
      or n.nspname = ${literal(schema)} and exists (select 1 from pg_catalog.pg_proc other
        where other.pronamespace = p.pronamespace and other.proname = p.proname and other.oid < p.oid)`
}

/** SQL for own functions that somebody may call who has no business there. */
export function callableSql(schema: string, callers: Callers): string {
  const allowed = [...callers].flatMap(([name, roles]) =>
    roles.map((role) => `(${literal(name)}, ${literal(role)})`),
  )
  return `select format('%I.%I to %s', n.nspname, p.proname, coalesce(quote_ident(r.rolname), 'public')) as object,
      format('revoke all on routine %I.%I(%s) from %s', n.nspname, p.proname,
        pg_get_function_identity_arguments(p.oid), coalesce(quote_ident(r.rolname), 'public')) as fix
    from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace,
      lateral aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
      left join pg_catalog.pg_roles r on r.oid = e.grantee
    where n.nspname = ${literal(schema)} and e.grantee <> p.proowner
      and (e.grantee = 0 or (format('%s.%s', n.nspname, p.proname), r.rolname::text) not in (values ${allowed.join(', ')}))`
}

/** SQL for relations of our schemas that somebody else may read or write. */
export function reachableSql(schema: string): string {
  return `select format('%I.%I %s to %s', n.nspname, c.relname, x.privilege_type, coalesce(quote_ident(r.rolname), 'public')) as object,
      format('revoke %s%s on %I.%I from %s', lower(x.privilege_type), coalesce(' (' || quote_ident(x.attname) || ')', ''),
        n.nspname, c.relname, coalesce(quote_ident(r.rolname), 'public')) as fix
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace, lateral (
        select null::name as attname, e.privilege_type, e.grantee from aclexplode(c.relacl) e
        union all select a.attname, e.privilege_type, e.grantee
          from pg_catalog.pg_attribute a, aclexplode(a.attacl) e where a.attrelid = c.oid
      ) x left join pg_catalog.pg_roles r on r.oid = x.grantee
    where n.nspname = ${literal(schema)} and c.relkind in ('r', 'p', 'v', 'm', 'S') and x.grantee <> c.relowner`
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
