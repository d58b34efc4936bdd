import type { FrontDoorMutant } from './front-door-mutant.ts'
import { LEFT_OUT } from './left-out.ts'
import { PLANE_MUTANTS } from './planes.ts'
import { SETTINGS_MUTANTS } from './settings-mutants.ts'
import { VERIFIER_MUTANTS } from './verifiers.ts'

/** Every mutant of the front door: each is one careless change. */
export const FRONT_DOOR_MUTANTS: readonly FrontDoorMutant[] = [
  ...LEFT_OUT,
  ...VERIFIER_MUTANTS,
  ...PLANE_MUTANTS,
  ...SETTINGS_MUTANTS,
]
