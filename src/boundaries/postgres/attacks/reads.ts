import { literal } from '../connection.ts'
import { groundRow } from '../rehearsal/side.ts'
import { attack, attackerEverywhere, must, type PostgresAttack, runAll } from './postgres-attack.ts'
import { sight } from './sight.ts'
import { tablesOf } from './tenant-table.ts'

/** Queries on the application's own tables. */
export const READS: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-select-without-where',
      title: 'SELECT without a WHERE clause',
      kind: 'read',
      references: ['PG-1', 'PG-2', 'PG-4', 'PG-5', 'PG-8'],
    },
    () => [
      'select title, body from ground.note',
      'select body from ground.reply',
      'select purpose from ground.booking',
      'select payload from ground.event',
    ],
  ),
  attack(
    {
      id: 'pg-select-every-table',
      title: 'SELECT of every readable column of every table, without a WHERE clause',
      kind: 'read',
      references: ['PG-1', 'PG-2', 'PG-9', 'PG-14', 'PG-15'],
    },
    {
      async owner(duel) {
        const session = await duel.asVictim()
        const all = await tablesOf(duel, duel.victim)
        const tables = all.filter(({ readable }) => readable.length > 0)
        let seen = 0
        for (const { name, readable } of tables) {
          const answer = await session.run(`select ${readable.join(', ')} from ${name}`)
          if (answer.count > 0) seen += 1
        }
        must(seen > 0 && session.hasSeen(duel.victim.canary), 'see its own rows')
        return `the owner saw its rows in ${seen} of ${tables.length} readable tables`
      },
      async attempt(duel) {
        const { attacker, victim } = duel
        const { sessions, there } = await attackerEverywhere(duel)
        const foreign: string[] = []
        let tables = 0
        for (const session of sessions) {
          for (const { name, readable, tenantColumn } of await tablesOf(duel, victim)) {
            tables += 1
            const columns = readable.length === 0 ? ['*'] : readable
            const { rows } = await session.run(`select ${columns.join(', ')} from ${name}`)
            if (rows.some((row) => (row[tenantColumn] ?? attacker.key) !== attacker.key)) {
              foreign.push(name)
            }
          }
        }
        const met = `${foreign.length} of ${tables} queries showed another tenant's rows${there}`
        return { crossed: foreign.length > 0, met }
      },
    },
  ),
  sight(
    {
      id: 'pg-select-by-key',
      title: "SELECT by the victim's real tenant id and primary key",
      kind: 'read',
      references: ['PG-8', 'PG-17'],
    },
    (target) => {
      const tenant = literal(target.key)
      const id = literal(String(groundRow(target, 'note')['id']))
      return [
        `select title, body from ground.note where tenant_id = ${tenant}`,
        `select title, body from ground.note where id = ${id}`,
        `select title from ground.note where (tenant_id, id) in ((${tenant}, ${id}))`,
        `select title from ground.note where tenant_id = any (array[${tenant}]::uuid[]) or true`,
        `select title from ground.note where tenant_id <> rf.tenant() or tenant_id = ${tenant}`,
      ]
    },
  ),
  sight(
    {
      id: 'pg-aggregate',
      title: 'Aggregates and grouping over all rows',
      kind: 'read',
      references: ['PG-1'],
    },
    () => [
      "select string_agg(title, ',') from ground.note",
      'select array_agg(body), json_agg(title), min(title), max(title) from ground.note',
      'select title, count(*) from ground.note group by rollup (title)',
      'select jsonb_object_agg(id, title) from ground.note',
      'select (array_agg(title order by title desc)) [1:9] from ground.note having count(*) > 0',
      'select distinct on (title) title from ground.note order by title',
    ],
  ),
  sight(
    {
      id: 'pg-join',
      title: 'Joins, lateral joins and outer joins on true',
      kind: 'read',
      references: ['PG-1', 'PG-14b'],
    },
    () => [
      'select n.title, r.body from ground.note n full join ground.reply r on true',
      'select c.code, n.title from ground.code c left join ground.note n on true',
      'select x.title from ground.code c, lateral (select n.title from ground.note n) x',
      'select a.title from ground.note a join ground.note b using (tenant_id)',
      'select n.title from ground.note n natural left join ground.booking b',
    ],
  ),
  sight(
    {
      id: 'pg-subquery',
      title: 'Sub-queries in every place of a statement',
      kind: 'read',
      references: ['PG-1', 'PG-41'],
    },
    () => [
      'select (select n.title from ground.note n order by n.title desc limit 1)',
      'select array(select n.title from ground.note n)',
      "values ((select string_agg(n.title, ',') from ground.note n))",
      'select title from ground.note where exists (select from ground.note m)',
      'select case when true then (select max(title) from ground.note) end',
      'select code from ground.code order by (select max(title) from ground.note)',
      'select row_to_json(x) from (select title from ground.note offset 0) x',
      "select jsonb_path_query(to_jsonb(n.title), '$') from ground.note n",
    ],
  ),
  sight(
    {
      id: 'pg-union',
      title: 'UNION, EXCEPT and INTERSECT, as an injected search would',
      kind: 'read',
      references: ['PG-1'],
    },
    () => [
      "select code from ground.code where code = '' union all select title from ground.note",
      'select title from ground.note except select code from ground.code',
      'select title from ground.note intersect all select title from ground.note',
      "select meaning from ground.code where code = '' or 1=1 union select title || body from ground.note --'",
    ],
  ),
  sight(
    {
      id: 'pg-cte',
      title: 'Common table expressions: materialized, inlined, recursive',
      kind: 'read',
      references: ['PG-41'],
    },
    () => [
      'with x as materialized (select title from ground.note) select * from x',
      'with x as not materialized (select title from ground.note) select * from x',
      'with recursive x(title, n) as (select title, 1 from ground.note union all select title, n + 1 from x where n < 2) select * from x',
    ],
  ),
  sight(
    {
      id: 'pg-window',
      title: 'Window functions over all partitions',
      kind: 'read',
      references: ['PG-1'],
    },
    () => [
      'select first_value(title) over (order by title desc), lag(title) over (), lead(title) over () from ground.note',
      'select string_agg(title, $$,$$) over (partition by state rows between unbounded preceding and unbounded following) from ground.note',
    ],
  ),
  sight(
    {
      id: 'pg-tablesample',
      title: 'TABLESAMPLE, which reads blocks instead of rows',
      kind: 'read',
    },
    () => [
      'select title from ground.note tablesample system (100)',
      'select title from ground.note tablesample bernoulli (100) repeatable (1)',
    ],
  ),
  sight(
    {
      id: 'pg-locking-read',
      title: 'SELECT … FOR UPDATE and its weaker forms',
      kind: 'read',
    },
    () => [
      'select title from ground.note for update',
      'select title from ground.note for no key update skip locked',
      'select title from ground.note for share nowait',
      'select title from ground.note for key share',
    ],
  ),
  sight(
    {
      id: 'pg-cursor',
      title: 'Cursors: scrolled back and forth, held after the transaction',
      kind: 'read',
      references: ['PG-41'],
    },
    () => [
      'begin; declare c scroll cursor for select title from ground.note; fetch last from c; fetch backward all from c; fetch absolute 1 from c; commit',
      'begin; declare h cursor with hold for select title from ground.note; commit; fetch all from h; close h',
    ],
  ),
  sight(
    {
      id: 'pg-prepared-statement',
      title: 'Prepared statements with generic plans',
      kind: 'read',
      references: ['PG-40', 'PG-41', 'CVE-2024-10976'],
    },
    () => [
      'set plan_cache_mode = force_generic_plan',
      'prepare p(text) as select title from ground.note where state = $1; execute p($$open$$); execute p($$open$$)',
      'prepare q as with x as (select title from ground.note) select * from x; execute q',
    ],
  ),
  attack(
    {
      id: 'pg-stacked-statements',
      title: 'Stacked statements, as an injection into a simple query allows',
      kind: 'read',
      references: ['PG-1'],
    },
    {
      async owner({ victim, asVictim }) {
        const session = await asVictim()
        await session.run('select 1; begin; select title from ground.note; commit')
        must(session.hasSeen(victim.canary), 'see its own canary')
        return 'the owner saw its own canary in the third of four stacked statements'
      },
      async attempt(duel) {
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            "select 1; set search_path = ground; begin; set local role none; select title, body from note; commit; select 'x'",
            'select 1; rollback; reset all; select title from ground.note; commit',
            'discard all',
            'select title from ground.note',
          ])
        }
        const crossed = sessions.some((session) => session.hasSeen(duel.victim.canary))
        return { crossed, met: `${met}${there}` }
      },
    },
  ),
]
