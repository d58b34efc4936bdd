import { literal } from '../connection.ts'
import { keyOffset, loginPattern, type Names } from '../names.ts'
import { list } from './prelude.ts'

/** How a scope is spelled in a login's name, for use in SQL. */
export const SCOPE_WORD = `case u.scope when 'r' then 'read' when 'w' then 'write' else 'export' end`

/**
 * Common table expressions for the rules on a whole server, without the leading WITH, for use in the
 * custody database: `role` is every role with its kind (null: not ours), `membership` every one that
 * one of ours is part of, `live` the leases that have not ended, `database_acl` who holds what on
 * which database.
 */
export function clusterPreludeSql(names: Names): string {
  const offset = keyOffset(names)
  const groups = [...Object.values(names.groups), ...Object.values(names.pooledGroups)]
  return `
role as materialized (
  select a.*, case when kind = 'login' then substr(a.rolname, ${offset}, 32) end as key,
    case when kind = 'login' then substr(a.rolname, ${offset + 33}, 1) end as scope
  from (
    select a.*, case when a.rolname in (${list(groups)}) then 'group'
      when a.rolname = ${literal(names.owner)} then 'owner' when a.rolname = ${literal(names.definer)} then 'definer'
      when a.rolname = ${literal(names.custodian)} then 'custodian'
      when a.rolname ~ ${literal(loginPattern(names))} then 'login' end as kind
    from pg_catalog.pg_authid a
  ) a
),
tenant as materialized (
  select t.*, replace(t.key::text, '-', '') as hex from custody.tenant t
),
membership as materialized (
  select m.admin_option, g.rolname as granted, g.kind as granted_kind, u.rolname as member,
    u.kind as member_kind, u.rolsuper as member_super, u.key, u.scope,
    case when current_setting('server_version_num')::int >= 160000
      then ' granted by ' || quote_ident(b.rolname) else '' end as granted_by
  from pg_catalog.pg_auth_members m join role g on g.oid = m.roleid join role u on u.oid = m.member
    left join role b on b.oid = m.grantor
  where g.kind is not null or u.kind is not null
),
live as materialized (
  select l.role_name, max(l.expires_at) as expires_at from custody.lease l where l.ended_at is null group by 1
),
database_acl as materialized (
  select d.oid, d.datname, d.datallowconn, e.privilege_type, e.grantee, r.rolname, r.kind,
    coalesce(quote_ident(r.rolname), 'public') as holder
  from pg_catalog.pg_database d, lateral aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) e
    left join role r on r.oid = e.grantee
  where e.grantee <> d.datdba and not coalesce(r.rolsuper, false)
),
setting as materialized (
  select s.name, s.setting, s.context from pg_catalog.pg_settings s
),
hba as materialized (
  select h.line_number, h.type, h.database, h.user_name, h.auth_method, h.options
  from pg_catalog.pg_hba_file_rules h where h.error is null and h.database <> '{replication}'
)`
}
