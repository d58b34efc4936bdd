import { RingfenceError } from '../../core/errors.ts'

/**
 * Why a sign-in through a provider was refused. Administrators read it, in the log and in a dry run;
 * the browser is told only that it failed.
 */
export const REFUSAL_REASONS = [
  'request_unknown',
  'provider_unreachable',
  'provider_refused',
  'response_malformed',
  'response_invalid',
  'signature_invalid',
  'algorithm_refused',
  'wrong_issuer',
  'wrong_audience',
  'wrong_recipient',
  'wrong_request',
  'expired',
  'replayed',
  'unsolicited',
  'subject_missing',
  'not_linked',
  'email_not_verified',
  'domain_not_verified',
  'already_linked',
  'name_taken',
  'account_inactive',
  'sign_in_refused',
] as const
export type RefusalReason = (typeof REFUSAL_REASONS)[number]

/** A sign-in that does not happen. Its message is all that the browser may know. */
export class FederationRefusal extends RingfenceError {
  readonly reason: RefusalReason

  constructor(reason: RefusalReason, detail: string, cause?: unknown) {
    super('forbidden', 'the sign-in with your organisation did not succeed', {
      detail: `${reason}: ${detail}`,
      ...(cause === undefined ? {} : { cause }),
    })
    this.name = 'FederationRefusal'
    this.reason = reason
  }
}

/** Throws a refusal unless `condition` holds. */
export function demand(
  condition: boolean,
  reason: RefusalReason,
  detail: string,
): asserts condition {
  if (!condition) throw new FederationRefusal(reason, detail)
}
