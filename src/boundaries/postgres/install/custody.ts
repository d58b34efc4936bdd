import { ident, literal } from '../connection.ts'
import { keyOffset, loginPattern, LOGIN_SLOTS, type Names } from '../names.ts'
import { CLOSE_CATALOG } from './revokes.ts'
import { custodyTablesSql } from './custody-tables.ts'
import { LOGIN_HOOK_SERVER_VERSION_MIN } from './login-hook.ts'

/** How long the ledger remembers leases that have ended. Days. */
const LEDGER_DAYS = 90

/** A lease that was issued later than now, by more than clocks are corrected by every day, is from before the clock was set back. */
const AHEAD_SECONDS_MAX = 2

/** SQLSTATE of a lease that finds no free login. */
export const SLOTS_TAKEN = 'RF001'
/** SQLSTATE of a lease that is asked for in the pause in which its tenant changes places. */
export const LEASES_HELD = 'RF002'

/** Leases on the tenant's place, and on the other one while it moves. */
const OF_TENANT = `l.key in (select t.key from custody.tenant t where t.tenant_id = p_tenant
      union all select m.key from custody.move m where m.tenant_id = p_tenant)`

/**
 * The ledger of tenants and leases, in a database of its own, and the functions through which the
 * custodian manages tenants' logins. The custodian holds EXECUTE on them and nothing else: it can
 * connect to no database with tenant rows, is a member of no role, and cannot name a role itself.
 *
 * Role changes are transactional in PostgreSQL, so a credential and its entry in the ledger appear
 * in the same commit: no crash leaves one without the other.
 */
export function custodySql(names: Names): string {
  const custodian = ident(names.custodian)
  const prefix = literal(names.prefix)
  const keyIn = (role: string) => `substr(${role}::text, ${keyOffset(names)}, 32)`
  return `
create schema custody;
revoke all on schema custody from public;
revoke all on schema public from public;
revoke usage on language plpgsql from public;
${CLOSE_CATALOG}

${custodyTablesSql()}

create function custody.reserve_tenant(p_tenant text, p_key uuid, p_tier text, p_region text, p_database name)
  returns custody.tenant language plpgsql set search_path = pg_catalog, pg_temp as $$
declare found_tenant custody.tenant;
begin
  if exists (select 1 from custody.retired_key r where r.key = p_key) then
    raise exception 'a tenant key is never used twice';
  end if;
  insert into custody.tenant (tenant_id, key, tier, region, database, status)
    values (p_tenant, p_key, p_tier, p_region, p_database, 'provisioning')
    on conflict (tenant_id) do nothing;
  select * into found_tenant from custody.tenant t where t.tenant_id = p_tenant;
  return found_tenant;
end $$;

create function custody.find_tenant(p_tenant text) returns custody.tenant language sql stable
  security definer set search_path = pg_catalog, pg_temp as $$
  select t.* from custody.tenant t where t.tenant_id = p_tenant $$;

create function custody.open_lease(p_lease uuid, p_tenant text, p_scope text, p_seconds int,
    p_holder text, p_verifier text, p_connections int)
  returns table (role_name name, database name, issued_at timestamptz, expires_at timestamptz)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  place custody.tenant;
  free_slot int;
  login name;
  ends timestamptz;
  began timestamptz := clock_timestamp();
  setting record;
begin
  if coalesce(p_verifier, '') !~ '^SCRAM-SHA-256\\$[1-9][0-9]{3,5}:[A-Za-z0-9+/]{22,64}={0,2}\\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$' then
    raise invalid_parameter_value using message = 'a verifier is needed, not a password';
  end if;
  if not coalesce(p_scope in ('read', 'write', 'export') and p_seconds between 1 and 86400
      and p_connections between 1 and 1000 and length(p_holder) between 1 and 200, false) then
    raise invalid_parameter_value using message = 'scope, lifetime, connections or holder out of range';
  end if;
  select * into place from custody.tenant t where t.tenant_id = p_tenant for no key update;
  if not found or place.status <> 'active' or place.away then
    raise no_data_found using message = 'no such active tenant';
  end if;
  if place.held_until > clock_timestamp()
      or p_scope = 'write' and place.writes_held_until > clock_timestamp() then
    raise exception using errcode = ${literal(LEASES_HELD)}, message = 'the tenant changes places just now';
  end if;
  select s into free_slot from generate_series(0, ${LOGIN_SLOTS - 1}) s
    where not exists (select 1 from custody.lease l
      where l.key = place.key and l.scope = p_scope and l.slot = s and not l.drained)
    order by s limit 1;
  if free_slot is null then
    raise exception using errcode = ${literal(SLOTS_TAKEN)},
      message = 'all login slots of the tenant hold live leases';
  end if;
  login := ${prefix} || '_' || replace(place.key::text, '-', '') || '_'
    || case p_scope when 'read' then 'r' when 'write' then 'w' else 'x' end || free_slot;
  ends := began + make_interval(secs => p_seconds);
  insert into custody.lease (lease_id, key, scope, slot, role_name, holder, issued_at, expires_at)
    values (p_lease, place.key, p_scope, free_slot, login, p_holder, began, ends);
  if exists (select 1 from pg_roles r where r.rolname = login) then
    -- PASSWORD NULL left the role unusable; settings of an earlier life go before it opens again.
    execute format('alter role %I reset all', login);
    for setting in select d.datname from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
      join pg_database d on d.oid = s.setdatabase where r.rolname = login
    loop
      execute format('alter role %I in database %I reset all', login, setting.datname);
    end loop;
    execute format('alter role %I login password %L valid until %L connection limit %s',
      login, p_verifier, ends, p_connections);
  else
    execute format('create role %I login inherit nosuperuser nocreatedb nocreaterole noreplication '
      'nobypassrls password %L valid until %L connection limit %s', login, p_verifier, ends, p_connections);
    execute format('grant %I to %I', ${prefix} || case place.tier when 'pooled' then '_pooled_' else '_' end
      || p_scope, login);
    if place.tier <> 'pooled' then
      execute format('grant connect on database %I to %I', place.database, login);
    end if;
  end if;
  return query select login, place.database, began, ends;
end $$;

create function custody.end_leases(p_tenant text, p_lease uuid, p_why text) returns setof uuid
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare ending record;
begin
  for ending in
    select l.lease_id, l.role_name, l.ended_at from custody.lease l
    where ${OF_TENANT} and not l.drained and (p_lease is null or l.lease_id = p_lease)
    order by l.role_name for update of l
  loop
    perform custody.close_login(ending.role_name);
    if ending.ended_at is null then
      update custody.lease l set ended_at = clock_timestamp(), ended_why = p_why
        where l.lease_id = ending.lease_id;
    end if;
    return next ending.lease_id;
  end loop;
end $$;

create function custody.close_login(p_role name) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  if p_role !~ ${literal(loginPattern(names))} then
    raise insufficient_privilege using message = 'not a tenant login';
  end if;
  if exists (select 1 from pg_roles r where r.rolname = p_role) then
    execute format('alter role %I nologin password null connection limit 0', p_role);
  end if;
end $$;

-- Ends the sessions of ended leases and counts what is left of them. Servers without login triggers
-- do not ask again after authentication, so there the connections that were being authenticated at
-- the first call (p_starting null) count too, until each is a session or gone; p_hurry ends those.
create function custody.drain(p_leases uuid[], p_starting int[], p_hurry boolean)
  returns table (ended int, remaining int, starting int[])
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  closed name[];
  victims int[];
begin
  select coalesce(array_agg(mine.role_name), '{}') into closed from (
    select l.role_name from custody.lease l
    where l.lease_id = any (p_leases) and l.ended_at is not null and not l.drained
    order by l.role_name for update) mine;
  starting := '{}';
  if current_setting('server_version_num')::int < ${LOGIN_HOOK_SERVER_VERSION_MIN} and cardinality(closed) > 0 then
    -- The order matters: what left this list by becoming a session is in the next one.
    select coalesce(array_agg(l.pid), '{}') into starting from pg_locks l
      where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock'
        and (p_starting is null or l.pid = any (p_starting));
    select coalesce(array_agg(s), '{}') into starting from unnest(starting) s
      where not exists (select 1 from pg_stat_activity a where a.pid = s);
  end if;
  select coalesce(array_agg(a.pid), '{}') into victims from pg_stat_activity a
    where a.usename = any (closed);
  perform pg_terminate_backend(v) from unnest(victims || case when p_hurry then starting else '{}' end) v;
  ended := cardinality(victims);
  remaining := cardinality(victims) + cardinality(starting);
  if remaining = 0 then
    update custody.lease l set drained = true
      where l.lease_id = any (p_leases) and l.ended_at is not null and not l.drained;
  end if;
  return next;
end $$;

create function custody.expire() returns table (lease_id uuid, newly boolean)
  language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare due record;
begin
  delete from custody.lease l where l.lease_id in (select p.lease_id from custody.lease p
    where p.drained and p.ended_at < clock_timestamp() - interval '${LEDGER_DAYS} days' limit 1000);
  -- Also what another process ended and could not drain: it may have been killed in between. And what
  -- this server's clock, set back, would let live longer than it was given for.
  for due in
    select l.lease_id, l.role_name, l.ended_at, l.expires_at <= clock_timestamp() as is_over from custody.lease l
    where not l.drained and (l.expires_at <= clock_timestamp() or l.ended_at is not null
      or l.issued_at > clock_timestamp() + interval '${AHEAD_SECONDS_MAX} seconds')
    order by l.role_name limit 500 for update skip locked
  loop
    perform custody.close_login(due.role_name);
    newly := due.ended_at is null;
    if newly then
      update custody.lease l set ended_at = clock_timestamp(),
        ended_why = case when due.is_over then 'expired' else 'clock set back' end
        where l.lease_id = due.lease_id;
    end if;
    lease_id := due.lease_id;
    return next;
  end loop;
end $$;

create function custody.leases(p_tenant text) returns setof custody.lease language sql stable
  security definer set search_path = pg_catalog, pg_temp as $$
  select l.* from custody.lease l
  where ${OF_TENANT} order by l.issued_at desc limit 1000 $$;

-- What tenants' sessions are doing and use, for the watchdog. It shows no query text.
create function custody.activity() returns table (
    pid int, role_name name, backend_start timestamptz, started text, state text, statement_seconds float8,
    transaction_seconds float8, idle_seconds float8, temp_bytes bigint, blocks_others boolean)
  language sql volatile security definer set search_path = pg_catalog, pg_temp as $$
  with temp as (
    select (regexp_match(t.name, '^pgsql_tmp([0-9]+)'))[1]::int as pid, sum(t.size) as bytes
    from pg_ls_tmpdir() t where t.name ~ '^pgsql_tmp[0-9]+' group by 1)
  select a.pid, a.usename, a.backend_start, a.backend_start::text, a.state,
    case when a.state = 'active' then extract(epoch from clock_timestamp() - a.query_start)::float8 end,
    extract(epoch from clock_timestamp() - a.xact_start)::float8,
    case when a.state like 'idle%' then extract(epoch from clock_timestamp() - a.state_change)::float8 end,
    coalesce(temp.bytes, 0)::bigint,
    exists (select 1 from pg_stat_activity w where w.wait_event_type = 'Lock'
      and ${keyIn('w.usename')} is distinct from ${keyIn('a.usename')} and a.pid = any (pg_blocking_pids(w.pid)))
  from pg_stat_activity a left join temp on temp.pid = a.pid
  where a.usename ~ ${literal(loginPattern(names))} $$;

create function custody.end_session(p_pid int, p_role name, p_started text, p_whole boolean)
  returns boolean language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if p_role !~ ${literal(loginPattern(names))} or not exists (select 1 from pg_stat_activity a
      where a.pid = p_pid and a.usename = p_role and a.backend_start::text = p_started) then
    return false;
  end if;
  return case when p_whole then pg_terminate_backend(p_pid) else pg_cancel_backend(p_pid) end;
end $$;

-- Undoes ALTER ROLE settings that tenants left on their own logins (servers without login triggers).
create function custody.reset_settings() returns int language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  dirty record;
  undone int := 0;
begin
  for dirty in
    select r.rolname, d.datname from pg_db_role_setting s join pg_roles r on r.oid = s.setrole
      left join pg_database d on d.oid = s.setdatabase
    where r.rolname ~ ${literal(loginPattern(names))}
  loop
    begin
      if dirty.datname is null then execute format('alter role %I reset all', dirty.rolname);
      else execute format('alter role %I in database %I reset all', dirty.rolname, dirty.datname); end if;
      undone := undone + 1;
    exception when others then
      -- Another process changes the same role just now; what it leaves is for the next call.
      null;
    end;
  end loop;
  return undone;
end $$;

revoke all on all functions in schema custody from public;
revoke all on all tables in schema custody from public;
grant usage on schema custody to ${custodian};
grant execute on function custody.find_tenant(text),
  custody.open_lease(uuid, text, text, int, text, text, int), custody.end_leases(text, uuid, text),
  custody.drain(uuid[], int[], boolean), custody.expire(), custody.leases(text), custody.activity(),
  custody.end_session(int, name, text, boolean), custody.reset_settings() to ${custodian};
`
}
