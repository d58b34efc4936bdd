import type { Session } from '../rehearsal/session.ts'
import {
  attack,
  type AttackFacts,
  type Duel,
  must,
  type PostgresAttack,
} from './postgres-attack.ts'
import { ordinaryWork } from './ordinary-work.ts'

export interface DisturbOptions {
  /** Takes what it can get, in a transaction that stays open. Returns what it met. */
  readonly grab: (session: Session, duel: Duel) => Promise<string>
  /** SQL with which the administrator does stop the victim, in a transaction: the check that a grab would show. */
  readonly control: (duel: Duel) => string
  /** Lets go of what does not end with the attacker's session. */
  readonly release?: (duel: Duel) => Promise<void>
}

/** Milliseconds. That the victim is stopped shows at once. */
const CONTROL_TIMEOUT_MS = 5

/** An attack that holds something so that the victim cannot go on with its ordinary work. */
export function disturb(
  facts: AttackFacts,
  { grab, control, release }: DisturbOptions,
): PostgresAttack {
  return attack(facts, {
    async owner(duel) {
      must((await ordinaryWork(duel)) === undefined, 'do its ordinary work')
      const admin = await duel.asAdmin()
      const { error } = await admin.run(`begin; ${control(duel)}`)
      must(error === undefined, `be stopped by the administrator: ${error}`)
      const stopped = await ordinaryWork(duel, CONTROL_TIMEOUT_MS)
      await admin.run('rollback')
      must(stopped !== undefined, 'be stopped by the administrator')
      return 'the owner worked undisturbed, and did not while the administrator held a lock'
    },
    async attempt(duel) {
      const session = await duel.asAttacker()
      const met = await grab(session, duel)
      const stopped = await ordinaryWork(duel)
      return {
        crossed: stopped !== undefined,
        met: `${met}; the owner then ${stopped ?? 'worked'}`,
      }
    },
    ...(release === undefined ? {} : { undo: release }),
  })
}
