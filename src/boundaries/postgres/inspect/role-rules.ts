import { literal } from '../connection.ts'
import { SCOPE_WORD } from './cluster-prelude.ts'
import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

const ATTRIBUTES = {
  rolsuper: 'superuser',
  rolbypassrls: 'bypassrls',
  rolcreaterole: 'createrole',
  rolcreatedb: 'createdb',
  rolreplication: 'replication',
}

/** What must hold of the installation's roles: what they are, and what they are in. */
export const ROLE_RULES: readonly Rule<ServerSubject>[] = [
  {
    id: 'pg-role-attribute',
    severity: 'critical',
    explanation:
      'A role of the installation has an attribute that stands above row security and grants, or makes other roles.',
    sql: () => `
      select format('%s: %s', r.rolname, concat_ws(', ', ${Object.entries(ATTRIBUTES)
        .map(([column, word]) => `case when r.${column} then '${word.toUpperCase()}' end`)
        .join(', ')})) as object,
        format('alter role %I ${Object.values(ATTRIBUTES)
          .map((word) => `no${word}`)
          .join(' ')}', r.rolname) as fix
      from role r where r.kind is not null and (${Object.keys(ATTRIBUTES)
        .map((column) => `r.${column}`)
        .join(' or ')})`,
  },
  {
    id: 'pg-role-can-login',
    severity: 'high',
    explanation:
      'A role that only holds objects or grants may log in: no lease ends that login, and the owner may alter every policy.',
    sql: () => `select r.rolname::text as object, format('alter role %I nologin password null', r.rolname) as fix
      from role r where r.kind in ('owner', 'definer', 'group') and r.rolcanlogin`,
  },
  {
    id: 'pg-membership',
    severity: 'critical',
    explanation:
      'A role of the installation is a member of a role that it should not be in: it has that role\u2019s rights, or takes them with SET ROLE.',
    sql: ({ names }) => {
      const prefix = literal(names.prefix)
      const expected = Object.entries(names.pooledGroups).map(
        ([scope, pooled]) =>
          `(u.member = ${literal(pooled)} and u.granted = ${literal(names.groups[scope as keyof typeof names.groups])})`,
      )
      return `select format('%s in %s', u.member, u.granted) as object,
          format('revoke %I from %I%s', u.granted, u.member, u.granted_by) as fix
        from membership u left join tenant t on t.hex = u.key
        where u.member_kind is not null and not (${expected.join(' or ')}
          or u.member_kind = 'login' and (
            u.granted = ${prefix} || '_pooled_' || ${SCOPE_WORD} and coalesce(t.tier, 'pooled') = 'pooled'
            or u.granted = ${prefix} || '_' || ${SCOPE_WORD} and coalesce(t.tier, 'bridge') <> 'pooled'))`
    },
  },
  {
    id: 'pg-role-lent',
    severity: 'critical',
    explanation:
      'A role that is not of the installation is a member of one that is: it reaches tenants\u2019 rows, or passes for one of them, past every lease.',
    sql: () => `select format('%s in %s', u.member, u.granted) as object,
        format('revoke %I from %I%s', u.granted, u.member, u.granted_by) as fix
      from membership u where u.granted_kind is not null and u.member_kind is null and not u.member_super`,
  },
  {
    id: 'pg-admin-option',
    severity: 'high',
    explanation: 'A role may let others into a role of the installation.',
    sql: () => `select format('%s over %s', u.member, u.granted) as object,
        format('revoke admin option for %I from %I%s', u.granted, u.member, u.granted_by) as fix
      from membership u where u.admin_option and not u.member_super`,
  },
  {
    id: 'pg-password-method',
    severity: 'high',
    explanation:
      'A password is kept as an MD5 hash, which is itself enough to log in: whoever reads it once has the login.',
    sql: () => `select r.rolname::text as object,
        case r.kind when 'login' then format('alter role %I password null', r.rolname) end as fix
      from role r where r.kind is not null and r.rolpassword !~ '^SCRAM-SHA-256\\$'`,
  },
  {
    id: 'pg-role-setting',
    severity: 'high',
    explanation:
      'A setting that only a superuser can make is fixed to a role of the installation, or any setting to one of those that are not tenants: it changes what the rules of this server mean for it.',
    sql: () => roleSettings(`s.kind <> 'login' or s.context in ('superuser', 'superuser-backend')`),
  },
  {
    id: 'pg-login-setting',
    severity: 'info',
    explanation:
      'A tenant left a setting on its own login. It is undone at the next login, or by the next sweep.',
    sql: () =>
      roleSettings(`s.kind = 'login' and s.context not in ('superuser', 'superuser-backend')`),
  },
]

function roleSettings(condition: string): string {
  return `select format('%s: %s', s.rolname, s.item) as object,
      format('alter role %I%s reset %s', s.rolname, coalesce(' in database ' || quote_ident(s.datname), ''), s.name) as fix
    from (
      select r.rolname, r.kind, d.datname, item, split_part(item, '=', 1) as name,
        coalesce(g.context, 'user') as context
      from pg_catalog.pg_db_role_setting s join role r on r.oid = s.setrole and r.kind is not null
        left join pg_catalog.pg_database d on d.oid = s.setdatabase, lateral unnest(s.setconfig) item
        left join setting g on g.name = split_part(item, '=', 1)
    ) s where ${condition}`
}
