import { AT_REST } from './at-rest.ts'
import type { RecordsAttack } from './attack.ts'
import { BILLS } from './bills.ts'
import { CONTEXTS } from './contexts.ts'
import { DOORS } from './doors.ts'
import { JOURNALS } from './journals.ts'
import { LOGS } from './logs.ts'
import { SINKS } from './sinks.ts'
import { TAMPERING } from './tampering.ts'
import { USAGE_ATTACKS } from './usage.ts'

/** How somebody would get at what is recorded of another tenant, or make records say something else. */
export const RECORDS_ATTACKS: readonly RecordsAttack[] = [
  ...LOGS,
  ...CONTEXTS,
  ...TAMPERING,
  ...AT_REST,
  ...JOURNALS,
  ...USAGE_ATTACKS,
  ...BILLS,
  ...DOORS,
  ...SINKS,
]
