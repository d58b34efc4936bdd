import type { Severity } from '../../../core/finding.ts'
import { literal } from '../connection.ts'
import type { Names } from '../names.ts'

/** One way in which an engine's present state may be wider than promised. `S` is what it looks at. */
export interface Rule<S> {
  /** Stable id; starts with `pg-`. */
  readonly id: string
  readonly severity: Severity
  /** What an attacker gains, for the report. */
  readonly explanation: string
  /**
   * A SELECT of two text columns, `object` and `fix` (SQL that mends it, or null), over the relations
   * of the prelude that its group of rules has. Undefined where the rule does not apply.
   */
  readonly sql: (subject: S) => string | undefined
}

/** A rule on an application's own objects, which the event triggers can hold DDL to. */
export interface StructureRule extends Rule<Names> {
  readonly sql: (names: Names) => string
  /** What to do instead, for whoever wrote the DDL: the guard's message. */
  readonly instead: string
  /** True when the event trigger refuses DDL after which the rule would fire. */
  readonly guarded: boolean
}

/** One query over all `rules`: columns `rule`, `object`, `fix`, in the order of the rules. */
export function violationsSql<S>(prelude: string, rules: readonly Rule<S>[], subject: S): string {
  const branches = rules.flatMap((rule, index) => {
    const sql = rule.sql(subject)
    return sql === undefined
      ? []
      : [`select ${index} as n, ${literal(rule.id)} as rule, v.object, v.fix from (${sql}) v`]
  })
  return `with ${prelude}
select x.rule, x.object, x.fix from (\n${branches.join('\nunion all\n')}\n) x order by x.n, x.object`
}
