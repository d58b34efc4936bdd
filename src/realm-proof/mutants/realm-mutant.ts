import { type StagedMutant, worseBy } from '../../strikes/staged-mutant.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Plane } from '../house/plane.ts'

export type RealmMutant = StagedMutant<Pieces, Plane>

export const mutant: typeof worseBy<Pieces> = worseBy
