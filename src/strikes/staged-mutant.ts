import type { Mutant } from '../boundaries/boundary.ts'
import { PROVEN_ONCE } from './staged-attack.ts'

/** Changes something back. */
export type Undo = () => Promise<unknown>

/** A mutant of what is put together from pieces. */
export interface StagedMutant<Pieces, Inside = unknown> extends Mutant {
  /** The same pieces with a worse one among them. */
  weaken(pieces: Pieces): Pieces
  /** What is changed besides the pieces, and how to change it back. */
  readonly change?: (inside: Inside) => Promise<Undo>
}

/** @param noticedBy attacks that get further on it; none where only an inspection can tell */
export function stagedMutant<Pieces>(
  id: string,
  title: string,
  noticedBy: readonly string[],
  worse: (pieces: Pieces) => Partial<Pieces>,
): StagedMutant<Pieces> {
  return {
    id,
    title,
    tiers: PROVEN_ONCE,
    noticedBy,
    weaken: (pieces) => ({ ...pieces, ...worse(pieces) }),
  }
}

/** One whose worse pieces do not depend on the others. */
export function worseBy<Pieces>(
  id: string,
  title: string,
  noticedBy: readonly string[],
  worse: Partial<Pieces>,
): StagedMutant<Pieces> {
  return stagedMutant(id, title, noticedBy, () => worse)
}
