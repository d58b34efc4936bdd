import { CALLERS } from './callers.ts'
import { CONTEXT_MUTANTS } from './contexts.ts'
import { DECISIONS } from './decisions.ts'
import { GRANT_MUTANTS } from './grants.ts'
import { OBJECT_MUTANTS } from './objects.ts'
import type { OfficeMutant } from './office-mutant.ts'
import { PEOPLE_MUTANTS } from './people.ts'
import { REALM_MUTANTS } from './realms.ts'
import { REQUESTS } from './requests.ts'
import { STATES } from './states.ts'
import { SUPPORT_MUTANTS } from './support.ts'
import { TAG_MUTANTS } from './tags.ts'
import { WEBHOOK_MUTANTS } from './webhooks.ts'
import { WORKLOAD_MUTANTS } from './workloads.ts'

/** Every mutant of the control API: each is one careless change. */
export const BACK_OFFICE_MUTANTS: readonly OfficeMutant[] = [
  ...CALLERS,
  ...PEOPLE_MUTANTS,
  ...SUPPORT_MUTANTS,
  ...REALM_MUTANTS,
  ...OBJECT_MUTANTS,
  ...GRANT_MUTANTS,
  ...WORKLOAD_MUTANTS,
  ...CONTEXT_MUTANTS,
  ...REQUESTS,
  ...TAG_MUTANTS,
  ...DECISIONS,
  ...WEBHOOK_MUTANTS,
  ...STATES,
]
