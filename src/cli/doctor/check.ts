import type { ControlAccess } from '../control-access.ts'

/** `wrong` is to be mended, `warning` is to be known, `skipped` could not be looked at. */
export type Standing = 'ok' | 'warning' | 'wrong' | 'skipped'

export interface Diagnosis {
  readonly check: string
  readonly standing: Standing
  /** What was seen, in one line. */
  readonly found: string
  /** What to do about it; undefined when there is nothing to do. */
  readonly mend: string | undefined
}

/** What is examined: a state directory, when there is one here, and a control plane, when it is known. */
export interface Patient {
  readonly state: string
  /** False when another machine's control plane is examined. */
  readonly hasState: boolean
  readonly access: ControlAccess | undefined
  /** Why it is not known where the control plane is. */
  readonly noAccess: string | undefined
}

/** Looks at one thing and throws nothing: what it cannot look at is a diagnosis too. */
export type Check = (patient: Patient) => Promise<readonly Diagnosis[]>

export function ok(check: string, found: string): Diagnosis {
  return { check, standing: 'ok', found, mend: undefined }
}

export function wrong(check: string, found: string, mend: string): Diagnosis {
  return { check, standing: 'wrong', found, mend }
}

export function warning(check: string, found: string, mend: string): Diagnosis {
  return { check, standing: 'warning', found, mend }
}

export function skipped(check: string, found: string): Diagnosis {
  return { check, standing: 'skipped', found, mend: undefined }
}
