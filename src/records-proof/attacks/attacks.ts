import { AT_REST } from './at-rest.ts'
import type { RecordsAttack } from './attack.ts'
import { BASELINES } from './baselines.ts'
import { BILLS } from './bills.ts'
import { CONTEXTS } from './contexts.ts'
import { DOORS } from './doors.ts'
import { FINDINGS } from './findings.ts'
import { FOLLOWERS } from './followers.ts'
import { JOURNALS } from './journals.ts'
import { LARGE_LOGS } from './large-logs.ts'
import { LOG_SINKS } from './log-sinks.ts'
import { LOGS } from './logs.ts'
import { SILENCES } from './silences.ts'
import { RESPONSES } from './responses.ts'
import { SINK_SECRETS } from './sink-secrets.ts'
import { SINKS } from './sinks.ts'
import { STREAMED_LOGS } from './streamed-logs.ts'
import { TAMPERING } from './tampering.ts'
import { TENANT_SINKS } from './tenant-sinks.ts'
import { USAGE_ATTACKS } from './usage.ts'

/** How somebody would get at what is recorded of another tenant, or make records say something else. */
export const RECORDS_ATTACKS: readonly RecordsAttack[] = [
  ...LOGS,
  ...CONTEXTS,
  ...FOLLOWERS,
  ...TAMPERING,
  ...LARGE_LOGS,
  ...AT_REST,
  ...JOURNALS,
  ...USAGE_ATTACKS,
  ...BILLS,
  ...DOORS,
  ...SINKS,
  ...RESPONSES,
  ...LOG_SINKS,
  ...SILENCES,
  ...TENANT_SINKS,
  ...SINK_SECRETS,
  ...STREAMED_LOGS,
  ...FINDINGS,
  ...BASELINES,
]
