import {
  attackOf as attackIn,
  type StagedAttack,
  staged as stagedIn,
} from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'

export type RealmAttack = StagedAttack<Duel>

export const staged: typeof stagedIn<Duel> = stagedIn
export const attackOf: typeof attackIn<Duel> = attackIn

export type { AttackFacts, Outcome, Staged } from '../../strikes/staged-attack.ts'
export { justMet, noneMay, statusesOf } from '../../strikes/staged-attack.ts'
