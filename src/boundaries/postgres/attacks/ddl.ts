import { ident } from '../connection.ts'
import { groupRoles } from '../names.ts'
import { LOOK } from './look.ts'
import type { Session } from '../rehearsal/session.ts'
import { attack, type Duel, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { sight } from './sight.ts'

const shown = () => LOOK

/** DDL on what is there, and new objects that would open it. */
export const DDL: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-alter-row-security',
      title: 'Row security disabled, not forced, or its policies changed',
      kind: 'read',
      references: ['PG-4', 'PG-4b'],
    },
    () => [
      'alter table ground.note disable row level security',
      'alter table ground.note no force row level security',
      'drop policy ringfence_guard on ground.note',
      'alter policy ringfence_guard on ground.note using (true)',
      'alter policy ringfence_base on ground.note to current_user',
      'alter table ground.note owner to current_user',
      'alter schema ground owner to current_user',
      "select set_config('allow_system_table_mods', 'on', false)",
      "update pg_catalog.pg_class set relrowsecurity = false where relname = 'note'",
      'delete from pg_catalog.pg_policy',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-create-policy',
      title: 'A permissive policy that is true for everybody',
      kind: 'read',
      references: ['PG-8', 'PG-9', 'PG-10'],
    },
    () => [
      'create policy wide on ground.note using (true) with check (true)',
      'create policy wide on ground.reply as permissive for select to public using (true)',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-drop-owned',
      title: 'DROP OWNED BY and REASSIGN OWNED BY oneself and every group that one is in',
      kind: 'read',
      references: ['PG-10'],
    },
    (target) => {
      const roles = [...groupRoles(target.site.names).map(ident), 'current_user', 'session_user']
      return roles.flatMap((role) => [
        `begin; drop owned by ${role} cascade; select title from ground.note; rollback`,
        `begin; reassign owned by ${role} to current_user; table ground.reply; rollback`,
      ])
    },
    { shown },
  ),
  attack(
    {
      id: 'pg-drop-owned-for-good',
      title: "DROP OWNED BY every group, committed: whether the victim's rights are still there",
      kind: 'disturbance',
      references: ['PG-10'],
    },
    {
      async owner(duel) {
        const { asVictim, asAdmin, victim } = duel
        const session = await asVictim()
        await runAll(session, LOOK)
        must(session.hasSeen(victim.canary), 'see its own canary')
        doors.set(duel, await openDoors(await asAdmin()))
        return 'the owner connected and saw its own canary'
      },
      async attempt({ arena, asAttackerWith, attacker, asVictimAnew, victim }) {
        const login = await arena.freshLogin(attacker)
        const { session } = await asAttackerWith(login)
        const groups = groupRoles(victim.site.names).map(ident)
        const met =
          session === undefined
            ? 'the lease did not open'
            : await runAll(session, [
                ...groups.map((group) => `drop owned by ${group} cascade`),
                'drop owned by current_user cascade',
              ])
        await attacker.site.custodian.end(attacker.tenant, login.leaseId, 'revoked')
        const after = await asVictimAnew().catch(() => undefined)
        if (after !== undefined) await runAll(after, LOOK)
        const crossed = after?.hasSeen(victim.canary) !== true
        return {
          crossed,
          met: `${met}; the owner then ${crossed ? 'saw nothing' : 'saw its rows'}`,
        }
      },
      async undo(duel) {
        // Rights on databases are the whole server's, and so also those of other copies.
        await runAll(await duel.asAdmin(), doors.get(duel) ?? [])
      },
    },
  ),
  sight(
    {
      id: 'pg-grant-to-all',
      title: 'Rights on tables and on the next tables, granted to everybody',
      kind: 'read',
      references: ['PG-42', 'PG-43', 'PG-47'],
    },
    (target) => [
      'grant select on all tables in schema ground to public',
      'grant all on ground.note_history to current_user',
      'grant usage on language plpgsql to public',
      `alter default privileges for role ${ident(target.site.names.owner)} grant select on tables to public`,
      `alter default privileges grant select on tables to ${ident(target.site.names.groups.read)}`,
      `grant ${ident(target.site.names.groups.read)} to public`,
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-create-view',
      title: 'Views, materialized views and tables made from others’ rows',
      kind: 'read',
      references: ['PG-20', 'PG-23', 'PG-42'],
    },
    () => [
      ...['public', 'ground', 'rf', 'rf_delete', 'pg_temp'].flatMap((schema) => [
        `create view ${schema}.all_notes as select * from ground.note_history`,
        `create materialized view ${schema}.some_notes as select title from ground.note`,
        `create table ${schema}.copied as select title from ground.note`,
      ]),
      'create or replace view ground.open_note as select * from ground.note_history',
      'alter view ground.open_note set (security_invoker = false)',
      'select * from public.all_notes',
      'select * from ground.open_note',
    ],
    { shown: () => ['select * from ground.open_note'] },
  ),
  sight(
    {
      id: 'pg-create-rule',
      title: 'A rewrite rule that runs with the rights of the table’s owner',
      kind: 'read',
      references: ['PG-25'],
    },
    () => [
      'create rule open as on update to ground.open_note do instead select * from ground.note_history',
      'create or replace rule "_RETURN" as on select to ground.open_note do instead select * from ground.note_history',
      'create rule copy as on insert to ground.note do also select title from ground.note',
      'update ground.open_note set body = body',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-create-leaky-function',
      title: 'A LEAKPROOF function and an operator with an estimator, cheap enough to run first',
      kind: 'read',
      references: ['PG-34', 'PG-35', 'CVE-2025-8713'],
    },
    () => [
      ...['public', 'ground', 'pg_temp'].flatMap((schema) => [
        `create function ${schema}.peek(text, text) returns boolean language sql leakproof cost 0.0000001 return $1::int > 0`,
        `create operator ${schema}.<<< (leftarg = text, rightarg = text, function = ${schema}.peek, restrict = scalarltsel)`,
        `create aggregate ${schema}.hoard(text) (sfunc = textcat, stype = text)`,
        `select ${schema}.hoard(title) from ground.note where title operator(${schema}.<<<) 'x'`,
      ]),
      'alter function ground.loud(text) leakproof',
      'alter function pg_catalog.textlike(text, text) leakproof',
      ...LOOK,
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-procedural-language',
      title: 'DO blocks, new languages and functions in languages that reach the server',
      kind: 'read',
      references: ['PG-67'],
    },
    () => [
      "do $$ declare r record; begin for r in select title from ground.note_history loop raise notice '%', r; end loop; end $$",
      "do $$ begin raise exception '%', (select string_agg(title, ',') from ground.note); end $$",
      'create language plpython3u',
      'create extension plperlu',
      "create function public.sh(text) returns text language plpython3u as 'import os'",
      "create function public.c() returns int language c as '$libdir/regress', 'x'",
      "create function public.i() returns int language internal as 'pg_backend_pid'",
      "load '$libdir/plpgsql'",
      'call pg_catalog.pg_log_standby_snapshot()',
    ],
    { shown },
  ),
  sight(
    {
      id: 'pg-foreign-data',
      title: 'Extensions, foreign servers and dblink as a way back in with other rights',
      kind: 'read',
      references: ['PG-24', 'PG-67'],
    },
    ({ site, database }) => [
      ...['dblink', 'postgres_fdw', 'file_fdw', 'pg_trgm', 'citext'].map(
        (name) => `create extension if not exists ${name} schema public`,
      ),
      'create foreign data wrapper w',
      `create server loop foreign data wrapper postgres_fdw options (dbname '${database}')`,
      `create user mapping for public server loop options (user '${site.cluster.admin.user}')`,
      'import foreign schema ground from server loop into public',
      `select * from dblink('dbname=${database} user=${site.cluster.admin.user}', 'select title from ground.note') as t(title text)`,
    ],
    { shown },
  ),
]

/** For each strike, the statements that open the databases again to whom they were open. */
const doors = new WeakMap<Duel, readonly string[]>()

async function openDoors(admin: Session): Promise<readonly string[]> {
  const { rows } = await admin.run(
    `select format('grant connect on database %I to %I', d.datname, r.rolname) as sql
     from pg_database d, lateral aclexplode(d.datacl) e join pg_roles r on r.oid = e.grantee
     where e.privilege_type = 'CONNECT' and not r.rolsuper`,
  )
  return rows.map(({ sql }) => String(sql))
}
