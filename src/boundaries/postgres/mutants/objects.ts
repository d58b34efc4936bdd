import { ident, literal } from '../connection.ts'
import {
  groups,
  ownServer,
  type PostgresMutant,
  SHARED_SERVER,
  sqlMutant,
} from './postgres-mutant.ts'

/** Views, functions and foreign data that run with other rights than the caller's. */
export const OBJECT_MUTANTS: readonly PostgresMutant[] = [
  sqlMutant(
    {
      id: 'pg-view-of-superuser',
      title: 'A view without security_invoker, made by the administrator',
    },
    (side) => `drop view ground.open_note;
      create view ground.open_note as select tenant_id, id, title, body from ground.note where state = 'open';
      grant select on ground.open_note to ${groups(side).read}, ${groups(side).write}`,
  ),
  sqlMutant(
    {
      id: 'pg-view-granted-to-write',
      title: 'INSERT and UPDATE through a filtering view',
    },
    (side) => `grant insert, update on ground.open_note to ${groups(side).write}`,
  ),
  sqlMutant(
    { id: 'pg-materialized-view', title: 'A materialized view over tenants\u2019 rows, granted' },
    (
      side,
    ) => `create materialized view ground.note_count as select tenant_id, title, count(*) from ground.note group by 1, 2;
      grant select on ground.note_count to ${groups(side).read}, ${groups(side).write}`,
  ),
  sqlMutant(
    {
      id: 'pg-definer-function',
      title: 'A function that tenants call made SECURITY DEFINER, its owner the administrator',
    },
    () => `create or replace function ground.loud(word text) returns text language sql stable security definer
        set search_path = pg_catalog, pg_temp as 'select coalesce((select string_agg(n.title, '','') from ground.note n), '''') || upper(word)';
      alter function ground.loud(text) owner to current_user`,
  ),
  sqlMutant(
    {
      id: 'pg-definer-function-added',
      title: 'A SECURITY DEFINER report that believes the tenant id it is given',
    },
    (
      side,
    ) => `create function ground.report(tenant uuid) returns setof text language sql stable security definer
        set search_path = pg_catalog, pg_temp as 'select n.title from ground.note n where n.tenant_id = tenant';
      grant execute on function ground.report(uuid) to ${groups(side).read}, ${groups(side).write}`,
  ),
  sqlMutant(
    {
      id: 'pg-leakproof-function',
      title: 'A function of the application marked LEAKPROOF',
    },
    () => 'alter function ground.loud(text) leakproof',
  ),
  sqlMutant(
    {
      id: 'pg-leakproof-division',
      title: 'A built-in function marked LEAKPROOF, to let an index be used',
    },
    () =>
      'alter function pg_catalog.int8div(bigint, bigint) leakproof; alter function pg_catalog.int84div(bigint, int) leakproof; alter function pg_catalog.int48div(int, bigint) leakproof',
  ),
  sqlMutant(
    {
      id: 'pg-trigger-of-superuser',
      title: 'A trigger function owned by the administrator',
    },
    () => 'alter function ground.remember_note() owner to current_user',
  ),
  sqlMutant(
    {
      id: 'pg-rewrite-rule',
      title: 'A rewrite rule that copies what is written',
    },
    () => `create rule copied as on insert to ground.booking do also
      insert into ground.note_history (tenant_id, image) values (new.tenant_id, to_jsonb(new.purpose))`,
  ),
  sqlMutant(
    {
      id: 'pg-delete-function-of-superuser',
      title: 'A generated delete function that belongs to the administrator',
    },
    () => 'alter function rf_delete.note(uuid) owner to current_user',
  ),
  sqlMutant(
    { id: 'pg-owned-by-group', title: 'A table that belongs to the tenants\u2019 group' },
    (side) => `alter table ground.note owner to ${groups(side).write}`,
  ),
  sqlMutant(
    { id: 'pg-publication', title: 'A publication of all tables' },
    () => 'create publication everything for all tables',
  ),
  ownServer(
    sqlMutant(
      {
        id: 'pg-foreign-server',
        title: 'A foreign server back to here as the administrator, and a foreign table granted',
        tiers: SHARED_SERVER,
      },
      (side) => {
        const { host, port, user, password } = side.site.cluster.admin
        const options = `host ${literal(host)}, port ${literal(String(port))}, dbname ${literal(side.database)}`
        return `create extension postgres_fdw;
          create server back foreign data wrapper postgres_fdw options (${options});
          create user mapping for public server back options (user ${literal(user)}, password ${literal(password ?? '')});
          create foreign table ground.note_far (tenant_id uuid, title text) server back options (schema_name 'ground', table_name 'note');
          alter foreign table ground.note_far owner to ${ident(side.site.names.owner)};
          grant select on ground.note_far to ${groups(side).read}, ${groups(side).write}`
      },
    ),
  ),
  sqlMutant(
    {
      id: 'pg-dblink',
      title: 'dblink installed, its functions PUBLIC\u2019s',
      tiers: SHARED_SERVER,
    },
    () => `create schema extensions; create extension dblink schema extensions;
      grant usage on schema extensions to public;
      grant execute on all functions in schema extensions to public`,
  ),
]
