import { CALLERS } from './callers.ts'
import { DECISIONS } from './decisions.ts'
import type { OfficeMutant } from './office-mutant.ts'
import { REQUESTS } from './requests.ts'
import { STATES } from './states.ts'
import { WORKLOAD_MUTANTS } from './workloads.ts'

/** Every mutant of the control API: each is one careless change. */
export const BACK_OFFICE_MUTANTS: readonly OfficeMutant[] = [
  ...CALLERS,
  ...WORKLOAD_MUTANTS,
  ...REQUESTS,
  ...DECISIONS,
  ...STATES,
]
