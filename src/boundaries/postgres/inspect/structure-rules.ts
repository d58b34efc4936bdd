import type { Names } from '../names.ts'
import { FUNCTION_RULES } from './function-rules.ts'
import { GRANT_RULES } from './grant-rules.ts'
import { KEY_RULES } from './key-rules.ts'
import { preludeSql } from './prelude.ts'
import { literal } from '../connection.ts'
import type { Rule } from './rule.ts'
import { TABLE_RULES } from './table-rules.ts'

/** The rules on an application's own objects, in one database. */
export const STRUCTURE_RULES: readonly Rule[] = [
  ...TABLE_RULES,
  ...KEY_RULES,
  ...GRANT_RULES,
  ...FUNCTION_RULES,
]

/** One query over all `rules`: columns `rule`, `object`, `fix`, in a stable order. */
export function violationsSql(names: Names, rules: readonly Rule[]): string {
  const branches = rules.map(
    (rule) => `select ${literal(rule.id)} as rule, v.object, v.fix from (${rule.sql(names)}) v`,
  )
  return `with ${preludeSql(names)}\n${branches.join('\nunion all\n')}\norder by 1, 2`
}
