import { literal } from '../connection.ts'
import type { Session } from '../rehearsal/session.ts'
import { arrangeQuietly } from './arrange.ts'
import { attack, type Duel, must, type PostgresAttack } from './postgres-attack.ts'
import { twin } from './twin.ts'

const ESTIMATES =
  'EXPLAIN shows the planner\u2019s row estimates, which come from statistics over all tenants of a shared table; a place of the tenant\u2019s own has statistics of its own.'
const REMOVED =
  'EXPLAIN ANALYZE counts the rows that row security removed from a scan of a shared table, and so tells how many rows all tenants have together; a place of the tenant\u2019s own has only its rows.'

const BY_INDEX = 'set enable_seqscan = off'
const BY_SCAN = 'set enable_indexscan = off; set enable_bitmapscan = off'

interface PlanNode {
  readonly 'Plan Rows'?: number
  readonly 'Rows Removed by Filter'?: number
  readonly 'Rows Removed by Index Recheck'?: number
  readonly 'Index Searches'?: number
  readonly Plans?: readonly PlanNode[]
}

/** What EXPLAIN says about rows that it does not show. */
export const EXPLAIN: readonly PostgresAttack[] = [
  attack(
    {
      id: 'pg-explain-estimate',
      title: 'EXPLAIN row estimates for a value that only the victim has',
      kind: 'existence',
      references: ['PG-58'],
      limits: { pooled: ESTIMATES },
    },
    {
      async owner(duel) {
        const b = literal(duel.victim.key)
        await arrangeQuietly(duel, [
          `insert into ground.note (tenant_id, title, state) select ${b}, gen_random_uuid()::text, 'insolvent' from generate_series(1, 400)`,
          'analyze ground.note',
        ])
        const { many, none } = await estimates(await duel.asVictim())
        must(many > none, 'see the estimate of its own value')
        return 'the owner saw a higher estimate for a value that it has than for one that nobody has'
      },
      async attempt({ asAttacker }) {
        const { many, none } = await estimates(await asAttacker())
        const met = `estimates of ${many} and ${none} rows for a value that only the victim has and one that nobody has`
        return { crossed: many !== none, met }
      },
      async undo(duel) {
        // The rows go with the tenant's image; the statistics of a shared table would stay.
        await arrangeQuietly(duel, [
          `delete from ground.note where state = 'insolvent'`,
          'analyze ground.note',
        ])
      },
    },
  ),
  attack(
    {
      id: 'pg-explain-removed-rows',
      title: 'EXPLAIN ANALYZE counts of the rows that row security removed',
      kind: 'existence',
      references: ['PG-58'],
      limits: { pooled: REMOVED },
    },
    {
      async owner(duel) {
        const session = await duel.asVictim()
        const before = await removed(session, "title = 'nothing'")
        await arrangeQuietly(duel, addNotes(duel))
        const after = await removed(session, "title = 'nothing'")
        must(after - before === 3, 'count its own rows')
        return 'the owner saw three more rows removed after it had inserted three'
      },
      async attempt(duel) {
        const session = await duel.asAttacker()
        const before = await removed(session, "title = 'nothing'")
        await arrangeQuietly(duel, [
          ...addNotes(duel).map((sql) => sql.replaceAll('note-', 'more-')),
        ])
        const after = await removed(session, "title = 'nothing'")
        await arrangeQuietly(duel, [`delete from ground.note where title like 'more-%'`])
        const met = `${after - before} more rows removed after the victim had inserted three`
        return { crossed: after !== before, met }
      },
    },
  ),
  twin(
    {
      id: 'pg-explain-index-hit',
      title: 'EXPLAIN ANALYZE of an index lookup of a value that only the victim has',
      kind: 'existence',
      references: ['PG-58', 'PG-52'],
    },
    {
      arrange: ({ key }, marker) => [
        `insert into ground.note (tenant_id, title) values (${literal(key)}, ${literal(marker)})`,
      ],
      values: (_, marker) => ({ real: literal(marker), nobody: literal(`${marker}-not`) }),
      probe: (value) =>
        [BY_INDEX, BY_SCAN].map(
          (mode) =>
            `${mode}; explain (analyze, costs off, timing off, summary off, buffers off) select from ground.note where title = ${value}`,
        ),
      shown: (value) => [`select from ground.note where title = ${value}`],
    },
  ),
]

function addNotes({ victim }: Duel): readonly string[] {
  return [
    `insert into ground.note (tenant_id, title) select ${literal(victim.key)}, 'note-' || n from generate_series(1, 3) n`,
  ]
}

async function estimates(session: Session): Promise<{ many: number; none: number }> {
  return {
    many: await sum(
      session,
      "explain (format json) select from ground.note where state = 'insolvent'",
      'Plan Rows',
    ),
    none: await sum(
      session,
      "explain (format json) select from ground.note where state = 'closed'",
      'Plan Rows',
    ),
  }
}

/** Rows that a sequential scan threw away. */
async function removed(session: Session, condition: string): Promise<number> {
  await session.run(BY_SCAN)
  const sql = `explain (analyze, format json, timing off) select from ground.note where ${condition}`
  return sum(session, sql, 'Rows Removed by Filter')
}

/** Adds up a figure over the nodes of a plan; -1 when EXPLAIN was refused. */
async function sum(session: Session, sql: string, figure: keyof PlanNode): Promise<number> {
  const { rows } = await session.run(sql)
  const plans = rows[0]?.['QUERY PLAN'] as readonly { readonly Plan: PlanNode }[] | undefined
  if (plans === undefined) return -1
  const add = (node: PlanNode): number =>
    Number(node[figure] ?? 0) + (node.Plans ?? []).reduce((total, one) => total + add(one), 0)
  return plans.reduce((total, { Plan }) => total + add(Plan), 0)
}
