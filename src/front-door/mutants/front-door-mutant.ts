import type { Mutant } from '../../boundaries/boundary.ts'
import type { GatewayCheck } from '../../gateway/check.ts'
import type { Check } from '../../vending/checks.ts'
import { FRONT_DOOR_TIERS } from '../attacks/attack.ts'
import type { Pieces } from '../house/pieces.ts'

export interface FrontDoorMutant extends Mutant {
  /** The same pieces with a worse one among them. */
  weaken(pieces: Pieces): Pieces
}

/** @param noticedBy attacks that get further on it; none where only an inspection can tell */
export function mutant(
  id: string,
  title: string,
  noticedBy: readonly string[],
  weaken: (pieces: Pieces) => Partial<Pieces>,
): FrontDoorMutant {
  return {
    id,
    title,
    tiers: FRONT_DOOR_TIERS,
    noticedBy,
    weaken: (pieces) => ({ ...pieces, ...weaken(pieces) }),
  }
}

/** The checks with one in the place of that of the same name. */
export function replaced<C extends GatewayCheck | Check>(
  checks: readonly C[],
  by: C,
): readonly C[] {
  return checks.map((check) => (check.name === by.name ? by : check))
}
