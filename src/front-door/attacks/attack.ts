import {
  type AttackFacts,
  type Outcome,
  type Staged,
  type StagedAttack,
  staged as stagedIn,
} from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'

export type { AttackFacts, Outcome, Staged }
export { must, statusesOf } from '../../strikes/staged-attack.ts'

export type FrontDoorAttack = StagedAttack<Duel>

export const staged: typeof stagedIn<Duel> = stagedIn

/** An attack that needs nothing from what its owner did. */
export function attack(
  facts: AttackFacts,
  steps: {
    owner(duel: Duel): Promise<string>
    attempt(duel: Duel): Promise<Outcome>
  },
): FrontDoorAttack {
  return staged(facts, async (duel) => ({
    owner: await steps.owner(duel),
    attempt: () => steps.attempt(duel),
  }))
}
