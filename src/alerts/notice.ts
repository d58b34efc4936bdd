import type { AlertSignal, Owner, Severity } from './alert.ts'

/** One alert in a notice. */
export interface NoticedAlert {
  readonly fingerprint: string
  readonly severity: Severity
  readonly labels: AlertSignal['labels']
  readonly summary: string
  readonly detail?: string
  /** When it began to fire. ISO 8601. */
  readonly since: string
}

/** What receivers are told at once: the alerts of one owner and one rule. */
export interface Notice {
  /** A UUID; the same however often the notice is delivered. */
  readonly id: string
  readonly owner: Owner
  readonly name: string
  readonly at: string
  /** The worst of what fires; of what ended when nothing does. */
  readonly severity: Severity
  readonly firing: readonly NoticedAlert[]
  readonly resolved: readonly NoticedAlert[]
  /** How many more there are than are listed. */
  readonly more: number
  /** True when it says nothing new. */
  readonly repeated: boolean
}

/** One line for a subject or a title. */
export function headingOf({ name, severity, firing, resolved, more }: Notice): string {
  const first = firing[0] ?? resolved[0]
  const count = firing.length + more
  const state = firing.length === 0 ? 'resolved' : count > 1 ? `firing, ${count}` : 'firing'
  return `[${severity}] ${name} (${state}): ${first?.summary ?? ''}`.slice(0, 400)
}
