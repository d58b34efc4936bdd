import { groundRow } from '../rehearsal/side.ts'
import { literal } from '../connection.ts'
import { attack, attackerEverywhere, must, type PostgresAttack } from './postgres-attack.ts'
import { sight } from './sight.ts'
import { tablesOf } from './tenant-table.ts'

/** Ways to the rows beside the table itself: views, partitions, copies, columns, COPY, XML. */
export const RELATIONS: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-view',
      title: 'A view over tenant rows, alone, nested and joined',
      kind: 'read',
      references: ['PG-20', 'PG-22'],
    },
    () => [
      'select title, body from ground.open_note',
      'select x.title from (select * from ground.open_note offset 0) x',
      'select v.title from ground.open_note v full join ground.open_note w on true',
    ],
  ),
  sight(
    {
      id: 'pg-view-barrier',
      title: 'A function in WHERE that stores what it is shown, on a view, with index scans off',
      kind: 'read',
      references: ['PG-21'],
    },
    () => [
      'set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off',
      "select count(*) from ground.open_note where set_config('my.sight', coalesce(current_setting('my.sight', true), '') || title, false) is not null",
      "select current_setting('my.sight', true)",
    ],
  ),
  sight(
    {
      id: 'pg-partition-child',
      title: "A partition's rows, asked of the partition itself",
      kind: 'read',
      references: ['PG-45', 'PG-46'],
    },
    () => [
      'select payload from ground.event_2026',
      'select payload from ground.event_rest',
      'select payload from only ground.event',
      'table ground.event_2026',
    ],
    { shown: () => ['select payload from ground.event'] },
  ),
  sight(
    {
      id: 'pg-hidden-column',
      title: 'A column that the manifest hides',
      kind: 'read',
      references: ['PG-47'],
    },
    () => [
      'select hidden_remark from ground.note',
      'select (n).hidden_remark from ground.note n',
      'select title from ground.note order by hidden_remark',
      'select max(hidden_remark) from ground.note',
      'update ground.note set body = hidden_remark returning body',
    ],
    { closed: true },
  ),
  sight(
    {
      id: 'pg-whole-row',
      title: 'Whole rows instead of columns',
      kind: 'read',
      references: ['PG-47'],
    },
    () => [
      'select r from ground.reply r',
      'select r::text from ground.reply r',
      'select to_jsonb(r) from ground.reply r',
      'select row_to_json(r) from ground.reply r',
      "select json_agg(n) from ground.note n where n::text like '%'",
      'table ground.reply',
    ],
  ),
  sight(
    {
      id: 'pg-derived-table',
      title: 'A history table that a trigger fills, and that the manifest does not name',
      kind: 'read',
      references: ['PG-3', 'PG-3b'],
    },
    () => [
      'select image from ground.note_history',
      'select h from ground.note_history h',
      "select h.image ->> 'title' from ground.note n join ground.note_history h using (tenant_id)",
    ],
    { closed: true },
  ),
  sight(
    {
      id: 'pg-function-over-rows',
      title: 'Functions over rows: inlined, set-returning, in FROM',
      kind: 'read',
      references: ['PG-22', 'PG-26'],
    },
    () => [
      'select ground.loud(title), title from ground.note',
      'select t.title from ground.note n, lateral (select ground.loud(n.title), n.title) t',
      'select json_array_elements(json_agg(n.title)) from ground.note n',
    ],
  ),
  sight(
    {
      id: 'pg-ts-rewrite',
      title: 'A query in text that a search function runs',
      kind: 'read',
    },
    () => [
      "select ts_rewrite(to_tsquery('simple', 'a'), $$select to_tsquery('simple', 'a'), to_tsquery('simple', quote_literal(title)) from ground.note$$)",
      "select * from ts_stat($$select to_tsvector('simple', title) from ground.note$$)",
      "select ts_headline('simple', title, to_tsquery('simple', 'canary')) from ground.note",
    ],
  ),
  sight(
    {
      id: 'pg-xml-export',
      title: 'The functions that export a query, table, schema or database as XML',
      kind: 'read',
      references: ['PG-28'],
    },
    () => [
      "select query_to_xml('select title from ground.note', true, false, '')",
      "select table_to_xml('ground.reply', true, false, '')",
      "select schema_to_xml('ground', true, false, '')",
      "select database_to_xml(true, false, '')",
      "select query_to_xml_and_xmlschema('select image from ground.note_history', true, false, '')",
      "begin; declare x cursor for select title from ground.note; select cursor_to_xml('x', 9, true, false, ''); commit",
      'select xmlagg(xmlelement(name n, title)) from ground.note',
    ],
    { shown: () => ['select xmlagg(xmlelement(name n, title)) from ground.note'] },
  ),
  sight(
    {
      id: 'pg-copy-out',
      title: 'COPY of a table or a query to the client',
      kind: 'read',
      references: ['PG-65'],
    },
    () => [
      'copy ground.note (title, body) to stdout',
      'copy (select title from ground.note) to stdout with (format csv)',
      'copy ground.reply to stdout with (format binary)',
      'copy ground.event_2026 to stdout',
      'copy ground.note_history to stdout',
      'copy (update ground.note set amount = amount returning title) to stdout',
    ],
    { shown: () => ['copy (select title from ground.note) to stdout'] },
  ),
  attack(
    {
      id: 'pg-copy-out-every-table',
      title: 'COPY of every table to the client',
      kind: 'read',
      references: ['PG-65'],
    },
    {
      async owner(duel) {
        const session = await duel.asVictim()
        let seen = 0
        for (const { name, readable } of await tablesOf(duel, duel.victim)) {
          if (readable.length === 0) continue
          const { count } = await session.run(
            `copy (select ${readable.join(', ')} from ${name}) to stdout`,
          )
          if (count > 0) seen += 1
        }
        must(session.hasSeen(duel.victim.canary), 'copy its own rows')
        return `the owner copied its own rows out of ${seen} tables`
      },
      async attempt(duel) {
        const { victim } = duel
        const { sessions, there } = await attackerEverywhere(duel)
        for (const session of sessions) {
          for (const { name, readable } of await tablesOf(duel, victim)) {
            await session.run(`copy ${name} to stdout`)
            if (readable.length > 0) {
              await session.run(`copy ${name} (${readable.join(', ')}) to stdout`)
            }
          }
        }
        const crossed = sessions.some(
          (session) => session.hasSeen(victim.key) || session.hasSeen(victim.canary),
        )
        return {
          crossed,
          met: `${crossed ? 'rows' : 'no row'} of the victim in the copies${there}`,
        }
      },
    },
  ),
  sight(
    {
      id: 'pg-system-columns',
      title: 'System columns, and a lookup of a row by its place on disk',
      kind: 'read',
      references: ['PG-47'],
    },
    (target) => [
      'select title, ctid, xmin, xmax, cmin, tableoid from ground.note',
      "select title from ground.note where ctid = any (array['(0,1)', '(0,2)', '(0,3)', '(0,4)']::tid[])",
      "select title from ground.note where ctid >= '(0,0)'",
      `select currtid2('ground.note', '(0,1)')`,
      `select tableoid::regclass, payload from ground.event where tenant_id = ${literal(target.key)}`,
      `select title from ground.note where id = ${literal(String(groundRow(target, 'note')['id']))} and xmin::text <> ''`,
    ],
    { shown: () => ['select payload from ground.event'] },
  ),
]
