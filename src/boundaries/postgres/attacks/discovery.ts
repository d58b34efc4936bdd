import { literal } from '../connection.ts'
import type { Side } from '../rehearsal/side.ts'
import type { Session } from '../rehearsal/session.ts'
import { LOOK } from './look.ts'
import { attack, attackerEverywhere, must, type PostgresAttack, runAll } from './postgres-attack.ts'

const ROWS_MAX = 5000
const FUNCTIONS_MAX = 200

/** Looks through everything that the catalog says is open, whatever it is called. */
export const DISCOVERY: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-every-readable-relation',
      title:
        'Every table, view, materialized view and foreign table that the catalog calls readable',
      kind: 'read',
      references: ['PG-3', 'PG-23', 'PG-24', 'PG-42'],
    },
    {
      async owner({ asVictim, victim }) {
        const session = await asVictim()
        const read = await readAll(session)
        must(session.hasSeen(victim.canary), 'see its own canary')
        return `the owner saw its own canary in one of ${read} relations`
      },
      async attempt(duel) {
        const { victim } = duel
        const { sessions, there } = await attackerEverywhere(duel)
        let read = 0
        for (const session of sessions) read += await readAll(session)
        const crossed = sessions.some(
          (session) => session.hasSeen(victim.canary) || session.hasSeen(victim.key),
        )
        return { crossed, met: `${read} relations read${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-every-callable-function',
      title: 'Every function of the application that may be called, with the victim’s ids',
      kind: 'read',
      references: ['PG-26', 'PG-27', 'PG-28'],
    },
    {
      async owner({ asVictim, victim }) {
        const session = await asVictim()
        const called = await callAll(session, victim)
        await runAll(session, LOOK)
        must(session.hasSeen(victim.canary), 'see its own canary')
        return `the owner called ${called} functions, and saw its own canary`
      },
      async attempt(duel) {
        const { sessions, there } = await attackerEverywhere(duel)
        let called = 0
        for (const session of sessions) called += await callAll(session, duel.victim)
        return { crossed: false, met: `${called} functions called${there}` }
      },
    },
  ),
]

async function readAll(session: Session): Promise<number> {
  const { rows } = await session.run(
    `select format('%I.%I', n.nspname, c.relname) as name, string_agg(quote_ident(a.attname), ', ') as columns
     from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema$)'
       and has_schema_privilege(n.oid, 'usage') and has_column_privilege(c.oid, a.attnum, 'select')
     group by 1 order by 1`,
  )
  for (const { name, columns } of rows) {
    await session.run(`select ${String(columns)} from ${String(name)} limit ${ROWS_MAX}`)
  }
  return rows.length
}

/** Calls what may be called, each in a transaction that is rolled back. */
async function callAll(session: Session, victim: Side): Promise<number> {
  const { rows } = await session.run(
    `select format('%I.%I', n.nspname, p.proname) as name,
       array(select format_type(t.type, null) from unnest(p.proargtypes) with ordinality t(type, n) order by t.n) as types
     from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
     where p.prokind = 'f' and n.nspname !~ '^(pg_|information_schema$)'
       and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
       and has_schema_privilege(n.oid, 'usage') and has_function_privilege(p.oid, 'execute')
     order by 1 limit ${FUNCTIONS_MAX}`,
  )
  for (const { name, types } of rows) {
    const values = (types as string[]).map((type) => `${sample(type, victim)}::${type}`)
    await session.run('begin')
    await session.run(`select * from ${String(name)}(${values.join(', ')})`)
    await session.run('rollback')
  }
  return rows.length
}

function sample(type: string, victim: Side): string {
  if (type === 'uuid') return literal(victim.key)
  if (/^(text|character|name)/.test(type)) return "'%'"
  if (/^(smallint|integer|bigint|numeric|real|double)/.test(type)) return '1'
  if (/^(date|timestamp|time)/.test(type)) return "'2026-03-02'"
  if (type === 'boolean') return 'true'
  return 'null'
}
