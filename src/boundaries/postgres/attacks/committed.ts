import type { Session } from '../rehearsal/session.ts'
import {
  attack,
  attackerEverywhere,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
} from './postgres-attack.ts'
import type { Statements } from './sight.ts'
import { tablesOf, type TenantTable } from './tenant-table.ts'

/** One attack over statements that the owner can run to some effect on its own rows. */
export function writing(
  facts: AttackFacts,
  statements: Statements,
  shown: Statements,
  input?: (victim: Duel['victim']) => string,
): PostgresAttack {
  return attack(facts, {
    async owner(duel) {
      const changed = await rolledBack(await duel.asVictim(), shown(duel.victim, duel.victim, duel))
      must(changed > 0, 'change its own rows')
      return 'the owner changed its own rows (and rolled back)'
    },
    async attempt(duel) {
      const { sessions, there } = await attackerEverywhere(duel)
      const sql = statements(duel.victim, duel.attacker, duel)
      const met = await commitAll(sessions, sql, input?.(duel.victim))
      return { crossed: false, met: `${met}${there}` }
    },
  })
}

/** The same statement on every table, with what was planted in the victim's. */
export function onEveryTable(
  facts: AttackFacts,
  statements: (table: TenantTable) => readonly string[],
  shown: (table: TenantTable) => readonly string[] = statements,
): PostgresAttack {
  return attack(facts, {
    async owner(duel) {
      const session = await duel.asVictim()
      const tables = await tablesOf(duel, duel.victim)
      let changed = 0
      for (const table of tables) {
        if ((await rolledBack(session, shown(table))) > 0) changed += 1
      }
      must(changed > 0, 'change its own rows')
      return `the owner changed its own rows in ${changed} tables (and rolled back)`
    },
    async attempt(duel) {
      const { sessions, there } = await attackerEverywhere(duel)
      const sql = (await tablesOf(duel, duel.victim)).flatMap(statements)
      return { crossed: false, met: `${await commitAll(sessions, sql)}${there}` }
    },
  })
}

async function rolledBack(session: Session, statements: readonly string[]): Promise<number> {
  let changed = 0
  for (const sql of statements) {
    await session.run('begin')
    const { count } = await session.run(sql)
    await session.run('rollback')
    changed += count
  }
  return changed
}

async function commitAll(
  sessions: readonly Session[],
  statements: readonly string[],
  input?: string,
): Promise<string> {
  let refused = 0
  let affected = 0
  for (const session of sessions) {
    for (const sql of statements) {
      const { code, count } = await session.run(sql, undefined, input)
      if (code === undefined) affected += count
      else refused += 1
    }
  }
  const all = statements.length * sessions.length
  return `${refused} of ${all} statements refused, ${affected} rows affected`
}
