import type { AttackKind } from '../../boundaries/boundary.ts'
import {
  must,
  type Outcome,
  type Staged,
  type StagedAttack,
  staged,
  statusesOf,
} from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'

export type RecordsAttack = StagedAttack<Duel>

/** An attack of a kind, with its stage. */
export function attackOf(kind: AttackKind) {
  return (id: string, title: string, stage: (duel: Duel) => Promise<Staged>): RecordsAttack =>
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

/** Makes requests one after another: what one brings about is there when the next comes. */
export async function eachOf<T>(
  all: readonly T[],
  say: (one: T) => Promise<Heard>,
): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  for (const one of all) heard.push(await say(one))
  return heard
}

export { must, type Outcome, type Staged, statusesOf }
