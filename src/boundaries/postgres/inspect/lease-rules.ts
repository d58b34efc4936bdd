import type { Rule } from './rule.ts'
import type { ServerSubject } from './subject.ts'

/** Seconds that an ended lease's session may still be there: its end is being waited for. */
const DRAIN_GRACE_SECONDS = 5

/** What must hold between the ledger and the logins that the server knows. */
export const LEASE_RULES: readonly Rule<ServerSubject>[] = [
  {
    id: 'pg-login-without-lease',
    severity: 'critical',
    explanation:
      'A tenant\u2019s login is open and no lease in the ledger says so: nothing will ever end it, and nobody knows who holds it.',
    sql: () => `select r.rolname::text as object,
        format('alter role %I nologin password null connection limit 0', r.rolname) as fix
      from role r where r.kind = 'login' and r.rolcanlogin
        and not exists (select 1 from live l where l.role_name = r.rolname)`,
  },
  {
    id: 'pg-login-expiry',
    severity: 'high',
    explanation: 'A tenant\u2019s login outlives its lease: should the sweep stop, it stays open.',
    sql: () => `select r.rolname::text as object,
        format('alter role %I valid until %L', r.rolname, l.expires_at) as fix
      from role r join live l on l.role_name = r.rolname
      where r.kind = 'login' and r.rolcanlogin and coalesce(r.rolvaliduntil, 'infinity') > l.expires_at`,
  },
  {
    id: 'pg-login-unlimited',
    severity: 'medium',
    explanation:
      'A tenant\u2019s login has no connection limit: alone it can take every connection of the server.',
    sql: () => `select r.rolname::text as object, format('alter role %I connection limit 20', r.rolname) as fix
      from role r where r.kind = 'login' and r.rolcanlogin and r.rolconnlimit < 0`,
  },
  {
    id: 'pg-lease-without-role',
    severity: 'low',
    explanation:
      'The ledger holds a live lease whose login is gone: its slot is taken and its holder is locked out.',
    sql: () => `select l.role_name::text as object,
        format('update custody.lease set ended_at = clock_timestamp(), ended_why = %L, drained = true where role_name = %L and ended_at is null',
          'role missing', l.role_name) as fix
      from live l where not exists (select 1 from role r where r.rolname = l.role_name)`,
  },
  {
    id: 'pg-session-without-lease',
    severity: 'high',
    explanation: 'A tenant\u2019s session goes on though its lease has ended.',
    sql: () => `select a.usename::text as object,
        format('select pg_terminate_backend(%s)', a.pid) as fix
      from pg_catalog.pg_stat_activity a join role r on r.oid = a.usesysid and r.kind = 'login'
      where not exists (select 1 from live l where l.role_name = a.usename)
        and not exists (select 1 from custody.lease l where l.role_name = a.usename
          and l.ended_at > clock_timestamp() - interval '${DRAIN_GRACE_SECONDS} s')`,
  },
]
