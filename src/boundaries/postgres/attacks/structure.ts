import { ident } from '../connection.ts'
import type { Side } from '../rehearsal/side.ts'
import { attack, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { arrangeQuietly } from './arrange.ts'
import { ordinaryWork } from './ordinary-work.ts'
import { sharedTablesOf, tablesOf } from './tenant-table.ts'

/** Databases are the whole server's, so this one has a name that no other can have. */
const plantedDatabase = ({ key }: Side) => ident(`rehearsal_${key}`)

/** Structures that would reach into the victim's statements, or stop them. */
export const STRUCTURE: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-trigger-on-shared-table',
      title:
        'A trigger of the attacker’s on a table that the victim writes, or its triggers switched off',
      kind: 'write',
      references: ['PG-49'],
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
        return 'the owner wrote, and the table’s own trigger recorded it'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const met = await runAll(session, [
          'create trigger mine before insert on ground.note for each row execute function pg_catalog.suppress_redundant_updates_trigger()',
          "create trigger his after insert on ground.note for each row execute function tsvector_update_trigger('a', 'b', 'c')",
          'create constraint trigger c after insert on ground.reply for each row execute function ground.remember_note()',
          'alter table ground.note disable trigger all',
          'alter table ground.note disable trigger note_remembered',
          'drop trigger note_remembered on ground.note',
          'alter trigger note_remembered on ground.note rename to forgotten',
          'create event trigger e on ddl_command_start execute function rf.guard()',
          'drop event trigger ringfence_guard',
        ])
        const admin = await duel.asAdmin()
        const triggers = await admin.value(
          `select count(*) from pg_trigger where not tgisinternal and tgname = 'note_remembered' and tgenabled = 'O'`,
        )
        const others = await admin.value(
          `select count(*) from pg_trigger where not tgisinternal and tgname in ('mine', 'his', 'c')`,
        )
        const crossed = triggers !== '1' || others !== '0'
        return { crossed, met: `${met}; the triggers are ${crossed ? 'not ' : ''}what they were` }
      },
    },
  ),
  attack(
    {
      id: 'pg-truncate',
      title: 'TRUNCATE of every table',
      kind: 'write',
      references: ['PG-48'],
    },
    {
      async owner(duel) {
        const admin = await duel.asAdmin()
        const { error } = await admin.run('begin; truncate ground.note cascade; rollback')
        must(error === undefined, 'be emptied by the administrator')
        return 'closed to every tenant: the administrator could (and rolled back)'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const names = (await tablesOf(duel, duel.victim)).map(({ name }) => name)
        const met = await runAll(session, [
          ...[...names, 'ground.event_2026', ...sharedTablesOf(duel)].flatMap((name) => [
            `truncate ${name}`,
            `truncate ${name} restart identity cascade`,
          ]),
          'drop table ground.note cascade',
          'drop schema ground cascade',
        ])
        return { crossed: false, met }
      },
    },
  ),
  attack(
    {
      id: 'pg-write-shared-table',
      title: 'Writing a reference table that all tenants read',
      kind: 'write',
      references: ['PG-18', 'PG-54'],
    },
    {
      async owner(duel) {
        const session = await duel.asVictim()
        must((await session.value('select count(*) from ground.code')) !== '0', 'read the table')
        return 'the owner read the reference tables'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        let done = 0
        let tried = 0
        for (const name of sharedTablesOf(duel)) {
          for (const sql of [
            `delete from ${name}`,
            `insert into ${name} select * from ${name}`,
            `update ${name} set ${await firstColumn(session.value.bind(session), name)} = 'x'`,
            `select 1 from ${name} limit 1 for update`,
            `select 1 from ${name} limit 1 for key share`,
            `lock table ${name} in share mode`,
          ]) {
            tried += 1
            await session.run('begin')
            const { code } = await session.run(sql)
            await session.run('rollback')
            if (code === undefined) done += 1
          }
        }
        return { crossed: done > 0, met: `${done} of ${tried} statements were let through` }
      },
    },
  ),
  attack(
    {
      id: 'pg-create-object',
      title: 'New objects of every kind, in every schema that other tenants use',
      kind: 'disturbance',
      references: ['PG-31', 'PG-50', 'PG-51', 'CVE-2026-6472'],
    },
    {
      async owner({ asAdmin }) {
        const admin = await asAdmin()
        const { error } = await admin.run(
          'begin; set local session_replication_role = replica; create schema planted; create type planted.t as enum (); rollback',
        )
        must(error === undefined, 'have objects made by the administrator')
        return 'closed to every tenant: the administrator could (and rolled back)'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const before = await inventory(duel.asAdmin)
        const met = await runAll(session, [
          'create schema planted',
          'create schema authorization current_user',
          ...['public', 'ground', 'rf', 'rf_delete', 'pg_catalog'].flatMap((schema) => [
            `create table ${schema}.planted (id int)`,
            `create table ${schema}.child () inherits (ground.note)`,
            `create table ${schema}.fk (t uuid, i uuid, foreign key (t, i) references ground.note)`,
            `create sequence ${schema}.planted`,
            `create type ${schema}.planted as enum ('x')`,
            `create domain ${schema}.planted as text`,
            `create function ${schema}.loud(varchar) returns text language sql return $1`,
            `create procedure ${schema}.planted() language sql as ''`,
            `create collation ${schema}.planted (locale = 'C')`,
            `create text search configuration ${schema}.planted (copy = simple)`,
            `create statistics ${schema}.planted on state, amount from ground.note`,
          ]),
          "create table ground.event_old partition of ground.event for values from (minvalue) to (date '2000-01-01')",
          'create cast (text as uuid) with inout as implicit',
          'create index on ground.note (title)',
          'create publication everything for all tables',
          "create subscription s connection 'host=/nowhere' publication p with (connect = false)",
          `create database ${plantedDatabase(duel.attacker)}`,
          'create access method am type index handler bthandler',
          'create transform for int language sql (from sql with function pg_catalog.int4in(cstring))',
        ])
        const crossed = (await inventory(duel.asAdmin)) !== before
        return { crossed, met: `${met}; the catalog is ${crossed ? 'not ' : ''}what it was` }
      },
      async undo({ asAdmin, attacker }) {
        await runAll(await asAdmin(), [`drop database if exists ${plantedDatabase(attacker)}`])
      },
    },
  ),
  attack(
    {
      id: 'pg-alter-database',
      title: 'Settings of the database and the server, which every session of the victim’s gets',
      kind: 'disturbance',
      references: ['PG-51'],
    },
    {
      async owner(duel) {
        must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
        return 'the owner did its ordinary work with the settings it should have'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const database = ident(duel.victim.database)
        const met = await runAll(session, [
          `alter database ${database} set default_transaction_read_only = on`,
          `alter database ${database} connection limit 0`,
          `alter database ${database} allow_connections false`,
          `alter database ${database} owner to current_user`,
          `alter database ${database} rename to gone`,
          `revoke connect on database ${database} from public`,
          `drop database ${database} with (force)`,
          'alter system reset log_planner_stats',
          'checkpoint',
          'select pg_reload_conf()',
          'set temp_file_limit = -1',
          "set log_statement = 'all'",
          'set session_preload_libraries = plpgsql',
        ])
        const disturbed = await ordinaryWork(duel)
        const limit = await session.value('show temp_file_limit')
        const crossed = disturbed !== undefined || limit === '-1'
        return { crossed, met: `${met}; the owner then ${disturbed ?? 'worked as before'}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-maintenance',
      title: 'VACUUM, ANALYZE, CLUSTER, REINDEX and changed statistics on shared tables',
      kind: 'disturbance',
      references: ['PG-58'],
    },
    {
      async owner(duel) {
        await arrangeQuietly(duel, ['analyze ground.note', 'reindex table ground.note'])
        return 'closed to every tenant: the administrator could'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const state = async () =>
          (await duel.asAdmin()).value(
            `select string_agg(relname || relfilenode || reltuples || relpages, ',' order by relname) from pg_class
             where relnamespace = 'ground'::regnamespace and relkind in ('r', 'i')`,
          )
        const before = await state()
        const met = await runAll(session, [
          'vacuum full ground.note',
          'vacuum (freeze) ground.note',
          'analyze ground.note',
          'cluster ground.note using note_pkey',
          'reindex table ground.note',
          'reindex schema ground',
          'refresh materialized view ground.open_note',
          'alter table ground.note alter column state set statistics 0',
          "select pg_clear_relation_stats('ground', 'note')",
          "select pg_restore_relation_stats('schemaname', 'ground', 'relname', 'note', 'reltuples', 9e9::real)",
          "select pg_clear_attribute_stats('ground', 'note', 'state', false)",
          "select gin_clean_pending_list('ground.note_pkey'), brin_summarize_new_values('ground.note_pkey')",
          "comment on table ground.note is 'was here'",
        ])
        const crossed = (await state()) !== before
        return { crossed, met: `${met}; the tables are ${crossed ? 'not ' : ''}what they were` }
      },
    },
  ),
]

async function firstColumn(
  value: (sql: string) => Promise<string | undefined>,
  table: string,
): Promise<string> {
  const name = await value(
    `select attname from pg_catalog.pg_attribute where attrelid = '${table}'::regclass and attnum = 1`,
  )
  return ident(name ?? 'code')
}

/** How many of each kind of object there are, outside what sessions make for themselves. */
async function inventory(
  asAdmin: () => Promise<{ value(sql: string): Promise<string | undefined> }>,
): Promise<string> {
  const kinds =
    'class proc type namespace operator cast collation trigger policy rewrite extension database publication subscription tablespace language event_trigger statistic_ext ts_config am foreign_server'
  const counts = kinds.split(' ').map((kind) => `(select count(*) from pg_catalog.pg_${kind})`)
  return (await (await asAdmin()).value(`select concat_ws(',', ${counts.join(', ')})`)) ?? ''
}
