import type { Mutant } from '../../boundaries/boundary.ts'
import { PROVEN_ONCE } from '../../strikes/staged-attack.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'

export interface RecordsMutant extends Mutant {
  /** The same pieces with a worse one among them. */
  weaken(pieces: Pieces): Pieces
  /** What is changed in the database itself, and how to change it back. */
  readonly change?: (site: Site) => Promise<() => Promise<unknown>>
}

/** @param noticedBy attacks that get further on it */
export function mutant(
  id: string,
  title: string,
  noticedBy: readonly string[],
  worse: Partial<Pieces>,
): RecordsMutant {
  return {
    id,
    title,
    tiers: PROVEN_ONCE,
    noticedBy,
    weaken: (pieces) => ({ ...pieces, ...worse }),
  }
}
