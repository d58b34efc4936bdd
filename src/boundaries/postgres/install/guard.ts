import { ident, literal } from '../connection.ts'
import { preludeSql } from '../inspect/prelude.ts'
import { violationsSql } from '../inspect/rule.ts'
import { STRUCTURE_RULES } from '../inspect/structure-rules.ts'
import type { Names } from '../names.ts'
import { tenantSql } from './identity.ts'

/**
 * Policies and default of one tenant table, as PL/pgSQL statements over `target` (the table's name,
 * quoted) and `tenant_column`. Permissive policies are OR-ed, restrictive ones AND-ed: the guard is
 * restrictive, so that no later policy widens it, and TO PUBLIC, because a policy that names a role
 * can be dropped by the role's members with DROP OWNED BY.
 */
function protectSql(names: Names): string {
  const tenant = tenantSql(names)
  return `
  execute format('alter table %s alter column %I set default ${tenant}, alter column %I set not null',
    target, tenant_column, tenant_column);
  execute format('alter table %s enable row level security', target);
  execute format('alter table %s force row level security', target);
  execute format('drop policy if exists ringfence_base on %s', target);
  execute format('drop policy if exists ringfence_guard on %s', target);
  execute format('create policy ringfence_base on %s as permissive for all to public using (true) with check (true)', target);
  execute format('create policy ringfence_guard on %s as restrictive for all to public using (%I = (select ${tenant})) with check (%I = (select ${tenant}))',
    target, tenant_column, tenant_column);`
}

const HELP = STRUCTURE_RULES.filter((rule) => rule.guarded)
  .map((rule) => `when ${literal(rule.id)} then ${literal(rule.instead)}`)
  .join('\n      ')

/**
 * The guard rails: what the application says of itself (`rf.application`), a function that protects
 * a table, and event triggers that protect every new tenant table and refuse DDL after which the
 * structure rules would report anything.
 */
export function guardSql(names: Names): string {
  const guarded = STRUCTURE_RULES.filter((rule) => rule.guarded)
  return `
create table rf.application (
  name text primary key,
  schema name not null,
  tenant_column name not null,
  tables jsonb not null,
  shared text[] not null,
  views text[] not null,
  functions text[] not null,
  sha256 text not null,
  applied_at timestamptz not null default now()
);
create table rf.migration (
  application text not null,
  name text not null,
  sha256 text not null,
  applied_at timestamptz not null default now(),
  primary key (application, name)
);
create table rf.guard_busy (xid xid8 primary key);

-- Runs a migration as the owner. In a SECURITY DEFINER function the engine itself refuses to change
-- the role and to end the transaction, by whatever words, and checks settings against the owner.
create function rf.run_migration(sql text, path text) returns void language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
begin
  perform set_config('search_path', path, true);
  execute sql;
end $$;
alter function rf.run_migration(text, text) owner to ${ident(names.owner)};

-- Both leave the guard's look at the whole to the next DDL: while several things are wrong it would
-- refuse every step that mends one of them.
create function rf.protect(target regclass, tenant_column name) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
declare outermost boolean;
begin
  insert into rf.guard_busy values (pg_current_xact_id()) on conflict do nothing;
  outermost := found; ${protectSql(names)}
  if outermost then delete from rf.guard_busy b where b.xid = pg_current_xact_id(); end if;
end $$;

create function rf.mend(statement text) returns void language plpgsql
  set search_path = pg_catalog, pg_temp as $$
begin
  insert into rf.guard_busy values (pg_current_xact_id());
  execute statement;
  delete from rf.guard_busy b where b.xid = pg_current_xact_id();
end $$;

create function rf.guard() returns event_trigger language plpgsql security definer
  set search_path = pg_catalog, pg_temp as $$
declare
  made record;
  column_name name;
  broken record;
begin
  -- Our own DDL, and the rest of it until it is done, is checked once, at its end.
  if exists (select 1 from rf.guard_busy b where b.xid = pg_current_xact_id()) then return; end if;
  if tg_event = 'ddl_command_end' then
    insert into rf.guard_busy values (pg_current_xact_id());
    for made in
      select distinct c.objid from pg_event_trigger_ddl_commands() c join pg_class t on t.oid = c.objid
      where c.object_type = 'table' and coalesce(c.schema_name, '') not in ('pg_temp', 'rf')
        and (c.command_tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
          -- A table that gets the tenant column later. Row security cannot have been there before.
          or c.command_tag = 'ALTER TABLE' and not t.relrowsecurity and not t.relforcerowsecurity
            and not exists (select 1 from pg_policy p where p.polrelid = t.oid)
            and not exists (select 1 from rf.application x
              where x.schema = c.schema_name and t.relname = any (x.shared)))
    loop
      select a.attname into column_name from pg_attribute a
      where a.attrelid = made.objid and a.attnum > 0 and not a.attisdropped and a.atttypid = 'uuid'::regtype
        and a.attname in (select x.tenant_column from rf.application x union all
          select t.value ->> 'tenantColumn' from rf.application x, jsonb_each(x.tables) t)
      order by a.attnum limit 1;
      if found then perform rf.protect(made.objid::regclass, column_name); end if;
    end loop;
    delete from rf.guard_busy b where b.xid = pg_current_xact_id();
  end if;
  for broken in
    select v.rule, v.object from (${violationsSql(preludeSql(names), guarded, names)}) v limit 1
  loop
    raise insufficient_privilege using
      message = format('ringfence refuses this: %s (%s)', broken.object, broken.rule),
      hint = case broken.rule
      ${HELP} end;
  end loop;
end $$;
revoke all on function rf.run_migration(text, text), rf.protect(regclass, name), rf.mend(text), rf.guard()
  from public;
create event trigger ringfence_guard on ddl_command_end execute function rf.guard();
create event trigger ringfence_guard_drop on sql_drop execute function rf.guard();
`
}
