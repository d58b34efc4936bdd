import type { Subject } from '../../../core/names.ts'
import type { Acr, Next, SecondFactor } from '../sign-in.ts'
import { acrOf, TWO_FACTORS } from './methods.ts'

/** What an attempt has come to, and what is asked of it. */
export interface AttemptState {
  readonly subject: Subject | undefined
  readonly amr: readonly string[]
  readonly signedInAt: Date | undefined
  /** By which connection, where it was by the tenant's own provider. */
  readonly connection: string | undefined
  readonly acrDemanded: Acr | undefined
  readonly only: Subject | undefined
  /** What the account can prove besides a password. */
  readonly second: readonly SecondFactor[]
  readonly mustChangePassword: boolean
  readonly secondFactorRequired: boolean
}

/**
 * What comes next. Who has a second factor is asked for it, whatever the policy is: it would protect
 * nothing otherwise. A password that must be replaced is so only after it, so that a stolen first
 * password is not enough to set a second.
 */
export function nextStep(state: AttemptState): Next {
  const { subject, only, amr, second } = state
  if (subject === undefined || (only !== undefined && subject !== only)) return { kind: 'identify' }
  const demanded = state.secondFactorRequired || state.acrDemanded === TWO_FACTORS
  if ((demanded || second.length > 0) && acrOf(amr) !== TWO_FACTORS) {
    return second.length > 0
      ? { kind: 'second_factor', factors: second }
      : { kind: 'enrol', factors: ['passkey', 'totp'] }
  }
  if (state.mustChangePassword && amr.includes('pwd')) return { kind: 'change_password' }
  return { kind: 'done' }
}
