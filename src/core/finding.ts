/** How much of the boundary a finding opens. Everything above `info` fails a proof. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'info'] as const
export type Severity = (typeof SEVERITIES)[number]

/** A place where a boundary is wider than promised. */
export interface Finding {
  /** Stable rule id, `pg-rls-not-forced`. */
  readonly rule: string
  readonly severity: Severity
  /** What is too wide, in the engine's own notation: `clinic.appointment`. */
  readonly object: string
  /** One or two sentences: what an attacker gains by it. */
  readonly explanation: string
  /** The engine's own statement that mends it, or undefined where only a person can decide. */
  readonly fix: string | undefined
}
