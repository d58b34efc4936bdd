import { FOREIGN_RULES } from './foreign-rules.ts'
import { GUARD_RAIL_RULES } from './guard-rail-rules.ts'
import { MANIFEST_RULES } from './manifest-rules.ts'
import { PRIVILEGE_RULES } from './privilege-rules.ts'
import type { Rule } from './rule.ts'
import type { DatabaseSubject } from './subject.ts'
import { SYSTEM_RULES } from './system-rules.ts'

/** The rules on one database's state for which PostgreSQL has no DDL event, or that DDL may change. */
export const DATABASE_RULES: readonly Rule<DatabaseSubject>[] = [
  ...PRIVILEGE_RULES,
  ...SYSTEM_RULES,
  ...MANIFEST_RULES,
  ...GUARD_RAIL_RULES,
  ...FOREIGN_RULES,
]
