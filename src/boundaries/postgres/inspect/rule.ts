import type { Severity } from '../../../core/finding.ts'
import type { Names } from '../names.ts'

/** One way in which a database's present state may be wider than promised. */
export interface Rule {
  /** Stable id; starts with `pg-`. */
  readonly id: string
  readonly severity: Severity
  /** What an attacker gains, for the report. */
  readonly explanation: string
  /** What to do instead, for whoever wrote the DDL: the guard's message. */
  readonly instead: string
  /**
   * True when the event trigger refuses DDL that makes the rule fire. The rules it does not enforce
   * are about roles, settings and databases, for which PostgreSQL has no DDL event.
   */
  readonly guarded: boolean
  /**
   * A SELECT of two text columns, `object` and `fix` (SQL that mends it, or null). It may use the
   * relations of `preludeSql`: `application`, `rel`, `granted`.
   */
  readonly sql: (names: Names) => string
}
