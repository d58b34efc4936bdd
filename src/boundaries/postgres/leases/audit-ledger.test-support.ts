import type pg from 'pg'
import { loginPattern, type Names } from '../names.ts'

/**
 * Where the ledger and the server's roles disagree: a login that can be used and that no live lease
 * stands for, a live lease without its login, two live leases of one login. `ledger` is the
 * superuser's connection to the custody database.
 */
export async function auditLedger(ledger: pg.Client, names: Names): Promise<readonly string[]> {
  const { rows } = await ledger.query<{ line: string }>(
    `select format('%s can log in, but no live lease stands for it', r.rolname) as line
       from pg_authid r where r.rolname ~ $1 and (r.rolcanlogin or r.rolpassword is not null)
         and not exists (select 1 from custody.lease l
           where l.role_name = r.rolname and l.ended_at is null and r.rolvaliduntil = l.expires_at)
     union all
     select format('lease %s is live, but %s cannot log in', l.lease_id, l.role_name)
       from custody.lease l where l.ended_at is null and not exists (
         select 1 from pg_authid r where r.rolname = l.role_name and r.rolcanlogin)
     union all
     select format('%s stands for %s live leases', l.role_name, count(*))
       from custody.lease l where l.ended_at is null group by l.role_name having count(*) > 1
     order by 1`,
    [loginPattern(names)],
  )
  return rows.map((row) => row.line)
}

/** Sessions of logins whose leases have ended. */
export async function sessionsOfEnded(ledger: pg.Client, names: Names): Promise<readonly string[]> {
  const { rows } = await ledger.query<{ usename: string }>(
    `select a.usename from pg_stat_activity a where a.usename ~ $1 and not exists (
       select 1 from custody.lease l where l.role_name = a.usename and l.ended_at is null)`,
    [loginPattern(names)],
  )
  return rows.map((row) => row.usename)
}
