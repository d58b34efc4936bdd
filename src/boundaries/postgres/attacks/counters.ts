import { literal } from '../connection.ts'
import type { Session } from '../rehearsal/session.ts'
import {
  attack,
  attackerEverywhere,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'
import { arrangeQuietly } from './arrange.ts'

/** Figures that grow with everybody's work. */
export const COUNTERS: readonly PostgresAttack[] = [
  counting(
    {
      id: 'pg-sequence-values',
      title: 'Last and next values of the sequence behind an identity column',
      kind: 'existence',
      references: ['PG-56'],
    },
    [
      'select last_value, is_called from ground.note_number_seq',
      "select last_value from pg_catalog.pg_sequences where sequencename = 'note_number_seq'",
      "select pg_sequence_last_value('ground.note_number_seq')",
      "select * from pg_get_sequence_data('ground.note_number_seq')",
      "select currval('ground.note_number_seq')",
    ],
  ),
  counting(
    {
      id: 'pg-relation-sizes',
      title: 'Row counts and sizes of tables, indexes and the database',
      kind: 'existence',
      references: ['PG-58'],
    },
    [
      "select reltuples, relpages from pg_catalog.pg_class where relname = 'note'",
      "select pg_relation_size('ground.note'), pg_total_relation_size('ground.note')",
      "select pg_table_size('ground.note'), pg_indexes_size('ground.note')",
      'select pg_database_size(current_database())',
      "select n_live_tup, n_tup_ins, seq_scan from pg_catalog.pg_stat_user_tables where relname = 'note'",
      "select pg_stat_get_live_tuples('ground.note'::regclass), pg_stat_get_tuples_inserted('ground.note'::regclass)",
      'select idx_scan from pg_catalog.pg_statio_user_indexes, pg_catalog.pg_stat_user_indexes',
      "select pg_relation_filepath('ground.note')",
    ],
    ['analyze ground.note'],
  ),
  counting(
    {
      id: 'pg-transaction-counter',
      title: 'The numbers of transactions, snapshots and the write-ahead log',
      kind: 'existence',
      references: ['PG-57'],
    },
    [
      'select pg_current_xact_id()',
      'select pg_current_snapshot()',
      'select txid_current(), txid_current_snapshot()',
      "select age('3'::xid)",
      "select mxid_age('1'::xid)",
      'select pg_current_wal_lsn(), pg_current_wal_insert_lsn()',
      'select xact_commit, tup_inserted from pg_catalog.pg_stat_database where datname = current_database()',
      'select max(xmin::text::bigint) from pg_catalog.pg_class',
      'update ground.note set amount = amount returning xmin',
      'select pg_current_xact_id_if_assigned()',
      'select pg_last_committed_xact(), pg_notification_queue_usage()',
    ],
  ),
  attack(
    {
      id: 'pg-lock-views',
      title: 'Locks that the victim holds, in pg_locks and the functions behind it',
      kind: 'existence',
      references: ['PG-70'],
    },
    {
      async owner(duel) {
        const { free, held } = await whileLocked(duel, await duel.asAdmin())
        must(free !== held, 'have its lock seen by the administrator')
        return 'closed to every tenant: the administrator saw the owner’s lock come and go'
      },
      async attempt(duel) {
        const { sessions, there } = await attackerEverywhere(duel)
        let told = 0
        for (const session of sessions) {
          const { free, held } = await whileLocked(duel, session)
          if (free !== held) told += 1
        }
        return { crossed: told > 0, met: `${told === 0 ? 'no ' : ''}difference was seen${there}` }
      },
    },
  ),
  attack(
    {
      id: 'pg-move-sequence',
      title:
        "The sequence behind an identity column moved, so that the victim's inserts fail or skip",
      kind: 'disturbance',
      references: ['PG-56'],
    },
    {
      async owner(duel) {
        const admin = await duel.asAdmin()
        const before = await admin.value(LAST_VALUE)
        await admin.run(
          "select setval('ground.note_number_seq', last_value + 1) from ground.note_number_seq",
        )
        must(before !== (await admin.value(LAST_VALUE)), 'have it moved by the administrator')
        return 'closed to every tenant: the administrator moved the sequence'
      },
      async attempt(duel) {
        const admin = await duel.asAdmin()
        const before = await admin.value(LAST_VALUE)
        const { sessions, there } = await attackerEverywhere(duel)
        let met = ''
        for (const session of sessions) {
          met += await runAll(session, [
            "select nextval('ground.note_number_seq')",
            "select setval('ground.note_number_seq', 9223372036854775807)",
            "select setval('ground.note_number_seq', 1, false)",
            'alter sequence ground.note_number_seq restart with 1',
            'update ground.note_number_seq set last_value = 1',
            "insert into ground.note (title, number) overriding system value values ('n', 9)",
            'alter table ground.note alter column number restart with 1',
          ])
        }
        const crossed = before !== (await admin.value(LAST_VALUE))
        return {
          crossed,
          met: `${met}; the sequence is ${crossed ? 'not ' : ''}where it was${there}`,
        }
      },
    },
  ),
]

const LAST_VALUE = 'select last_value from ground.note_number_seq'

/** Reads figures, has the victim write, and reads them again: they cross when one has changed. */
function counting(
  facts: AttackFacts,
  statements: readonly string[],
  then: readonly string[] = [],
): PostgresAttack {
  const changes = async (duel: Duel, session: Session) => {
    const victims = `tenant_id = ${literal(duel.victim.key)}`
    const before = await read(session, statements)
    await arrangeQuietly(duel, [
      `insert into ground.note (tenant_id, title) select ${literal(duel.victim.key)}, 'counted ' || n from generate_series(1, 100) n`,
      ...then,
    ])
    const after = await read(session, statements)
    await arrangeQuietly(duel, [
      `delete from ground.note where ${victims} and title like 'counted %'`,
      ...then,
    ])
    return before.filter((answer, index) => answer !== after[index]).length
  }
  return attack(facts, {
    async owner(duel) {
      const changed = await changes(duel, await duel.asAdmin())
      must(changed > 0, 'be counted by the administrator')
      return `closed to every tenant: the administrator saw ${changed} figures change`
    },
    async attempt(duel) {
      const { sessions, there } = await attackerEverywhere(duel)
      let changed = 0
      for (const session of sessions) changed += await changes(duel, session)
      const all = statements.length * sessions.length
      return { crossed: changed > 0, met: `${changed} of ${all} figures changed${there}` }
    },
  })
}

async function read(session: Session, statements: readonly string[]): Promise<readonly string[]> {
  const answers: string[] = []
  for (const sql of statements) {
    await session.run('begin')
    const { code, rows } = await session.run(sql)
    await session.run('rollback')
    answers.push(code ?? JSON.stringify(rows))
  }
  return answers
}

/** What `session` reads about locks before and while the victim holds one. */
async function whileLocked(
  duel: Duel,
  session: Session,
): Promise<{ readonly free: string; readonly held: string }> {
  const look = async () => {
    const victims = `select count(*) from pg_catalog.pg_locks where relation = 'ground.booking'::regclass`
    const functions = `select count(*) from pg_lock_status() l where l.relation = 'ground.booking'::regclass`
    return (await read(session, [victims, functions, 'select pg_blocking_pids(1)'])).join()
  }
  const free = await look()
  const victim = await duel.asVictim()
  await victim.run('begin; select from ground.booking for update')
  const held = await look()
  await victim.run('rollback')
  return { free, held }
}
