import type { GatewayCheck } from '../../gateway/check.ts'
import { type StagedMutant, stagedMutant } from '../../strikes/staged-mutant.ts'
import type { Check } from '../../vending/checks.ts'
import type { Pieces } from '../house/pieces.ts'

export type FrontDoorMutant = StagedMutant<Pieces>

export const mutant: typeof stagedMutant<Pieces> = stagedMutant

/** The checks with one in the place of that of the same name. */
export function replaced<C extends GatewayCheck | Check>(
  checks: readonly C[],
  by: C,
): readonly C[] {
  return checks.map((check) => (check.name === by.name ? by : check))
}
