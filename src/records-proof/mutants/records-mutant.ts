import { type StagedMutant, worseBy } from '../../strikes/staged-mutant.ts'
import type { Pieces } from '../house/pieces.ts'
import type { Site } from '../house/site.ts'

export type RecordsMutant = StagedMutant<Pieces, Site>

export const mutant: typeof worseBy<Pieces> = worseBy
