import { RingfenceError } from '../core/errors.ts'
import type { Layer } from './journal-entry.ts'

/** RFC 6749, section 5.2, and RFC 8693, section 2.2.2; with the one for "later" of section 4.1.2.1. */
export type OAuthError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'invalid_target'
  | 'unsupported_grant_type'
  | 'temporarily_unavailable'
  | 'server_error'

const STATUS: Readonly<Partial<Record<OAuthError, number>>> = {
  invalid_client: 401,
  temporarily_unavailable: 503,
  server_error: 500,
}

/**
 * A request that vending does not grant. The caller learns `error` and no more; the layer and the
 * reason are for the journal.
 */
export class Refusal extends Error {
  readonly error: OAuthError
  readonly layer: Layer
  readonly reason: string
  readonly status: number
  /** Seconds after which a try may succeed. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    error: OAuthError,
    layer: Layer,
    reason: string,
    options: { readonly status?: number; readonly retryAfterSeconds?: number } = {},
  ) {
    super(reason)
    this.error = error
    this.layer = layer
    this.reason = reason
    this.status = options.status ?? STATUS[error] ?? 400
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}

const LATER = 'temporarily_unavailable'

/** What went wrong after the checks, as a refusal. Whatever is not known is our own trouble. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof Refusal) return thrown
  const code = thrown instanceof RingfenceError ? thrown.code : 'internal'
  switch (code) {
    // The configuration knows the tenant and the engine does not (any more): as a context that is bad.
    case 'tenant_unknown':
      return new Refusal('invalid_grant', 'engine', 'no-place')
    case 'lease_denied':
      return new Refusal(LATER, 'engine', 'no-free-login', { status: 429, retryAfterSeconds: 5 })
    case 'tenant_not_active':
      return new Refusal(LATER, 'cache', 'taken-away', { retryAfterSeconds: 1 })
    case 'overloaded':
      return new Refusal(LATER, 'limit', 'too-many-wait', { retryAfterSeconds: 1 })
    case 'snapshot_stale':
      return new Refusal(LATER, 'configuration', 'stale', { retryAfterSeconds: 5 })
    case 'revocations_unknown':
      return new Refusal(LATER, 'context', 'revocations-unknown', { retryAfterSeconds: 5 })
    case 'not_writable':
      return new Refusal(LATER, 'journal', 'not-writable', { retryAfterSeconds: 5 })
    case 'engine_unavailable':
    case 'timed_out':
      return new Refusal(LATER, 'engine', code, { retryAfterSeconds: 1 })
    default:
      return new Refusal('server_error', 'engine', code)
  }
}
