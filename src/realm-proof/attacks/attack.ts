import {
  type AttackFacts,
  type Outcome,
  type Staged,
  type StagedAttack,
  staged as stagedIn,
  statusesOf,
} from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'

export type RealmAttack = StagedAttack<Duel>

export const staged: typeof stagedIn<Duel> = stagedIn

/** An attack of a kind, with its stage. */
export function attackOf(kind: AttackFacts['kind']) {
  return (id: string, title: string, stage: (duel: Duel) => Promise<Staged>): RealmAttack =>
    staged({ id, title, kind }, stage)
}

/** What the attacker met, where no request may be carried out. */
export function noneMay(heard: readonly Heard[]): Outcome {
  return { crossed: heard.some(({ status }) => status > 0 && status < 400), met: statusesOf(heard) }
}

/** What the attacker met, where answers are good and hold nothing of anybody else's. */
export function justMet(heard: readonly Heard[]): Outcome {
  return { crossed: false, met: statusesOf(heard) }
}

export type { AttackFacts, Outcome, Staged }
export { statusesOf }
