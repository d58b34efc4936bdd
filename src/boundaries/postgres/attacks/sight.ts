import type { Side } from '../rehearsal/side.ts'
import {
  attack,
  attackerEverywhere,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
  runAll,
} from './postgres-attack.ts'
import { arrange, arrangeQuietly } from './arrange.ts'

/** SQL that `self` runs to see what `target` has. */
export type Statements = (target: Side, self: Side, duel: Duel) => readonly string[]

export interface SightOptions {
  /** What the attacker does first, in the same session. */
  readonly before?: Statements
  /** How the owner sees its canary, where it takes other statements than the attacker's. */
  readonly shown?: Statements
  /** True for what is closed to every tenant: the administrator shows that the canary is there. */
  readonly closed?: boolean
  /** What the administrator puts in place first, on the victim's database, and takes away at the end. */
  readonly arrange?: Statements
  readonly undo?: Statements
}

/** An attack that only tries to see: the same statements as the owner, then as the attacker. */
export function sight(
  facts: AttackFacts,
  statements: Statements,
  options: SightOptions = {},
): PostgresAttack {
  const { before, shown = statements, closed = false, arrange: prepare, undo } = options
  return attack(facts, {
    async owner(duel) {
      const { victim, asVictim, asAdmin } = duel
      if (prepare !== undefined) {
        await arrange(duel, prepare(victim, victim, duel))
      }
      const session = closed ? await asAdmin() : await asVictim()
      await runAll(session, shown(victim, victim, duel))
      must(session.hasSeen(victim.canary), 'see its own canary')
      return closed
        ? 'closed to every tenant: the administrator saw the canary there'
        : 'the owner saw its own canary by the same statements'
    },
    async attempt(duel) {
      const { victim, attacker } = duel
      const { sessions, there } = await attackerEverywhere(duel)
      let met = ''
      for (const session of sessions) {
        if (before !== undefined)
          met = `first ${await runAll(session, before(victim, attacker, duel))}; then `
        met += await runAll(session, statements(victim, attacker, duel))
      }
      const crossed = sessions.some((session) => session.hasSeen(victim.canary))
      return { crossed, met: `${met}${crossed ? '' : ', none showed a row of the victim'}${there}` }
    },
    ...(undo === undefined
      ? {}
      : {
          async undo(duel: Duel) {
            await arrangeQuietly(duel, undo(duel.victim, duel.victim, duel))
          },
        }),
  })
}
