import { ident, literal } from '../connection.ts'
import type { Side } from '../rehearsal/side.ts'
import type { PostgresAttack } from './postgres-attack.ts'
import { sight } from './sight.ts'

/** What the application's next migration would run, as the role that it runs as. */
const asOwner = ({ site }: Side, ...statements: readonly string[]): readonly string[] => [
  `set role ${ident(site.names.owner)}`,
  ...statements,
  'reset role',
]

const values = ({ key, canary }: Side) => `(${literal(key)}, ${literal(canary)})`

/** Objects that appear after the manifest was applied: nobody has looked at them yet. */
export const LATER: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-later-table',
      title: 'A table that a later migration creates',
      kind: 'read',
      references: ['PG-1', 'PG-43'],
    },
    () => [
      'select secret from ground.later',
      'table ground.later',
      "insert into ground.later (secret) values ('x') returning secret",
      'copy ground.later to stdout',
    ],
    {
      closed: true,
      arrange: (target) => [
        ...asOwner(
          target,
          'create table ground.later (tenant_id uuid not null, secret text not null, primary key (tenant_id, secret))',
        ),
        `insert into ground.later values ${values(target)}`,
      ],
      undo: () => ['drop table ground.later'],
    },
  ),
  sight(
    {
      id: 'pg-later-copy',
      title: 'A copy of a table that the administrator makes before a change',
      kind: 'read',
      references: ['PG-42'],
    },
    () => ['select title from ground.note_before', 'select n from ground.note_before n'],
    {
      closed: true,
      arrange: () => ['create table ground.note_before as select * from ground.note'],
      undo: () => ['drop table ground.note_before'],
    },
  ),
  sight(
    {
      id: 'pg-later-schema',
      title: 'A table in a later schema',
      kind: 'read',
      references: ['PG-43', 'PG-44'],
    },
    () => [
      'select secret from rehearsal_later.later',
      'set search_path = rehearsal_later; select secret from later',
    ],
    {
      closed: true,
      arrange: (target) => [
        'create schema rehearsal_later',
        'create table rehearsal_later.later (tenant_id uuid not null, secret text not null)',
        `insert into rehearsal_later.later values ${values(target)}`,
      ],
      undo: () => ['drop schema rehearsal_later cascade'],
    },
  ),
  sight(
    {
      id: 'pg-later-view',
      title: 'A view and a materialized view that a later migration creates',
      kind: 'read',
      references: ['PG-20', 'PG-23'],
    },
    () => ['select title from ground.later_view', 'select title from ground.later_materialized'],
    {
      closed: true,
      arrange: () => [
        'create view ground.later_view as select title from ground.note',
        'create materialized view ground.later_materialized as select title from ground.note',
      ],
      undo: () => [
        'drop view ground.later_view',
        'drop materialized view ground.later_materialized',
      ],
    },
  ),
  sight(
    {
      id: 'pg-later-partition',
      title: 'A partition that is attached later',
      kind: 'read',
      references: ['PG-45', 'PG-46'],
    },
    () => ['select payload from ground.event_2027', 'select payload from ground.event'],
    {
      closed: true,
      arrange: (target) => [
        ...asOwner(
          target,
          "create table ground.event_2027 partition of ground.event for values from ('2027-01-01') to ('2028-01-01')",
        ),
        `insert into ground.event (tenant_id, payload, happened_on) values (${literal(target.key)}, ${literal(target.canary)}, '2027-06-01')`,
      ],
      undo: () => ['drop table ground.event_2027'],
    },
  ),
  sight(
    {
      id: 'pg-later-column',
      title: 'A column that a later migration adds',
      kind: 'read',
      references: ['PG-47'],
    },
    () => [
      'select later_secret from ground.reply',
      'select r from ground.reply r',
      'update ground.reply set later_secret = later_secret returning later_secret',
    ],
    {
      closed: true,
      arrange: (target) => [
        ...asOwner(target, 'alter table ground.reply add column later_secret text'),
        `update ground.reply set later_secret = ${literal(target.canary)} where tenant_id = ${literal(target.key)}`,
      ],
      undo: () => ['alter table ground.reply drop column later_secret'],
    },
  ),
  sight(
    {
      id: 'pg-later-function',
      title: "Functions that a later migration creates, with their owner's rights",
      kind: 'read',
      references: ['PG-26', 'PG-30'],
    },
    () => [
      'select ground.later_all()',
      'select * from ground.later_all()',
      `select ground.later_any('x'' or true --')`,
    ],
    {
      closed: true,
      arrange: () => [
        `create function ground.later_all() returns setof text language sql security definer
           set search_path = pg_catalog, pg_temp as 'select title from ground.note'`,
        `create function ground.later_any(condition text) returns setof text language plpgsql security definer
           set search_path = pg_catalog, pg_temp as $$ begin return query execute 'select title from ground.note where title = ''' || condition || ''''; end $$`,
      ],
      undo: () => ['drop function ground.later_all()', 'drop function ground.later_any(text)'],
    },
  ),
]
