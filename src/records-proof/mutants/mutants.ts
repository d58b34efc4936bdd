import { BELIEVED_CONTEXTS } from './believed-contexts.ts'
import { BELIEVED_NAMES } from './believed-names.ts'
import { CHANGED_DATABASE } from './changed-database.ts'
import type { RecordsMutant } from './records-mutant.ts'
import { WORSE_BASELINES } from './worse-baselines.ts'
import { WORSE_BILLS } from './worse-bills.ts'
import { WORSE_DOORS } from './worse-doors.ts'
import { WORSE_FINDINGS } from './worse-findings.ts'
import { WORSE_FOLLOWERS } from './worse-followers.ts'
import { WORSE_INTAKE } from './worse-intake.ts'
import { WORSE_LOGS } from './worse-logs.ts'
import { WORSE_SILENCES } from './worse-silences.ts'
import { WORSE_SINKS } from './worse-sinks.ts'
import { WORSE_TOLD } from './worse-told.ts'
import { WORSE_USAGE } from './worse-usage.ts'
import { WORSE_VERIFIERS } from './worse-verifiers.ts'

/** Every mutant of records: each is one careless change. */
export const RECORDS_MUTANTS: readonly RecordsMutant[] = [
  ...BELIEVED_NAMES,
  ...BELIEVED_CONTEXTS,
  ...WORSE_DOORS,
  ...WORSE_LOGS,
  ...WORSE_FOLLOWERS,
  ...WORSE_VERIFIERS,
  ...CHANGED_DATABASE,
  ...WORSE_INTAKE,
  ...WORSE_USAGE,
  ...WORSE_BILLS,
  ...WORSE_SINKS,
  ...WORSE_SILENCES,
  ...WORSE_TOLD,
  ...WORSE_FINDINGS,
  ...WORSE_BASELINES,
]
