import { attackOf as attackIn, type StagedAttack } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'

export type RecordsAttack = StagedAttack<Duel>

export const attackOf: typeof attackIn<Duel> = attackIn

/** Makes requests one after another: what one brings about is there when the next comes. */
export async function eachOf<T>(
  all: readonly T[],
  say: (one: T) => Promise<Heard>,
): Promise<readonly Heard[]> {
  const heard: Heard[] = []
  for (const one of all) heard.push(await say(one))
  return heard
}

export type { Outcome, Staged } from '../../strikes/staged-attack.ts'
export { justMet, must, noneMay, statusesOf } from '../../strikes/staged-attack.ts'
