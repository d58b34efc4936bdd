import type { Mutant } from '../../boundaries/boundary.ts'
import { PROVEN_ONCE } from '../../strikes/staged-attack.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Plane } from '../house/plane.ts'

export interface RealmMutant extends Mutant {
  /** The same pieces with a worse one among them. */
  weaken(pieces: Pieces): Pieces
  /** What is changed in the realms themselves, and how to change it back. */
  readonly change?: (plane: Plane) => Promise<() => Promise<unknown>>
}

/** @param noticedBy attacks that get further on it; none where only an inspection can tell */
export function mutant(
  id: string,
  title: string,
  noticedBy: readonly string[],
  worse: Partial<Pieces>,
): RealmMutant {
  return {
    id,
    title,
    tiers: PROVEN_ONCE,
    noticedBy,
    weaken: (pieces) => ({ ...pieces, ...worse }),
  }
}
