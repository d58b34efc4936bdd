import { CUSTODY_RULES } from './custody-rules.ts'
import { LEASE_RULES } from './lease-rules.ts'
import { MOVE_RULES } from './move-rules.ts'
import { ROLE_RULES } from './role-rules.ts'
import type { Rule } from './rule.ts'
import { SERVER_RULES } from './server-rules.ts'
import { SETTING_RULES } from './setting-rules.ts'
import type { ServerSubject } from './subject.ts'

/** The rules on a whole server. They run once a server, in its custody database. */
export const CLUSTER_RULES: readonly Rule<ServerSubject>[] = [
  ...ROLE_RULES,
  ...LEASE_RULES,
  ...CUSTODY_RULES,
  ...MOVE_RULES,
  ...SERVER_RULES,
  ...SETTING_RULES,
]
