import { literal } from '../connection.ts'
import { loginPattern, type Names } from '../names.ts'

/** Login event triggers came with PostgreSQL 17. On older servers the sweep does the same later. */
export const LOGIN_HOOK_SERVER_VERSION_MIN = 170000

/**
 * At every login of a tenant: refuse it if its lease has ended in the meantime (an authentication
 * that began before a revocation may finish after it), and undo settings that an earlier session
 * left on its own role with ALTER ROLE, in the catalog and in this session.
 */
export function loginHookSql(names: Names): string {
  return `
create function rf.on_login() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  me record;
  setting record;
begin
  if session_user !~ ${literal(loginPattern(names))} then return; end if;
  select a.oid, a.rolcanlogin, a.rolvaliduntil into me from pg_authid a where a.rolname = session_user;
  if not me.rolcanlogin or coalesce(me.rolvaliduntil, '-infinity') <= clock_timestamp() then
    raise insufficient_privilege using message = 'the lease has ended';
  end if;
  if not exists (select 1 from pg_db_role_setting s where s.setrole = me.oid) then return; end if;
  for setting in
    select split_part(item, '=', 1) as name from pg_db_role_setting s, unnest(s.setconfig) item
    where s.setrole = me.oid
  loop
    perform set_config(setting.name, coalesce(
      (select substr(item, length(setting.name) + 2) from pg_db_role_setting d, unnest(d.setconfig) item
        where d.setrole = 0 and item like setting.name || '=%'
          and d.setdatabase in (0, (select oid from pg_database where datname = current_database()))
        order by d.setdatabase desc limit 1),
      (select f.setting from pg_file_settings f where f.name = setting.name and f.applied order by f.seqno desc limit 1),
      (select b.boot_val from pg_settings b where b.name = setting.name), ''), false);
  end loop;
  execute format('alter role %I reset all', session_user);
  execute format('alter role %I in database %I reset all', session_user, current_database());
end $$;
revoke all on function rf.on_login() from public;
create event trigger ringfence_login on login execute function rf.on_login();
`
}
