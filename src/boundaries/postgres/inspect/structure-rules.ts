import { FUNCTION_RULES } from './function-rules.ts'
import { GRANT_RULES } from './grant-rules.ts'
import { KEY_RULES } from './key-rules.ts'
import type { StructureRule } from './rule.ts'
import { TABLE_RULES } from './table-rules.ts'
import { VIEW_RULES } from './view-rules.ts'

/** The rules on an application's own objects, in one database. */
export const STRUCTURE_RULES: readonly StructureRule[] = [
  ...TABLE_RULES,
  ...KEY_RULES,
  ...GRANT_RULES,
  ...VIEW_RULES,
  ...FUNCTION_RULES,
]
