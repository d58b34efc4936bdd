import { literal } from '../connection.ts'
import { loginPattern, type Names } from '../names.ts'

/** Login event triggers came with PostgreSQL 17. On older servers the sweep does the same later. */
export const LOGIN_HOOK_SERVER_VERSION_MIN = 170000

/**
 * At every login of a tenant: refuse it if its lease has ended in the meantime (an authentication
 * that began before a revocation may finish after it), and undo settings that an earlier session
 * left on its own role with ALTER ROLE, in the catalog and in this session. A setting that keeps the
 * hook from its work keeps the tenant's own login out, at most until the next sweep.
 */
export function loginHookSql(names: Names): string {
  return `
create function rf.on_login() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  login oid;
  holds boolean;
  changed boolean;
  setting record;
begin
  if session_user !~ ${literal(loginPattern(names))} then return; end if;
  -- One statement: each more is planned anew in every session, before its first query.
  select a.oid, a.rolcanlogin and a.rolvaliduntil > clock_timestamp(),
      exists (select 1 from pg_db_role_setting s where s.setrole = a.oid)
    into login, holds, changed from pg_authid a where a.rolname = session_user;
  if holds is not true then
    raise insufficient_privilege using message = 'the lease has ended';
  end if;
  if not changed then return; end if;
  for setting in
    select s.name, coalesce(
      (select substr(item, length(s.name) + 2) from pg_db_role_setting d, unnest(d.setconfig) item
        where d.setrole = 0 and lower(item) like lower(s.name) || '=%'
          and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        order by d.setdatabase desc limit 1),
      (select f.setting from pg_file_settings f where lower(f.name) = lower(s.name) and f.applied
        order by f.seqno desc limit 1),
      s.boot_val, '') as value
    from pg_settings s where s.source in ('user', 'database user')
      -- This function's own SET hides where that one came from.
      or s.name = 'search_path' and exists (select 1 from pg_db_role_setting d, unnest(d.setconfig) item
        where d.setrole = login and item like 'search_path=%')
  loop
    begin
      perform set_config(setting.name, setting.value, false);
    exception when others then null; -- It cannot be set here, and harms none but the tenant itself.
    end;
  end loop;
  begin
    execute format('alter role %I reset all', session_user);
    execute format('alter role %I in database %I reset all', session_user, current_database());
  exception when others then null; -- Read-only by such a setting, or done by another login just now.
  end;
end $$;
revoke all on function rf.on_login() from public;
create event trigger ringfence_login on login execute function rf.on_login();
`
}
