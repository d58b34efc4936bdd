/**
 * Every way in which Ringfence refuses, as a closed set of stable codes. `docs/errors.md` has one
 * entry for each, and a test holds the two together.
 */
export const ERROR_CODES = [
  'invalid_argument',
  'invalid_tenant_id',
  'invalid_manifest',
  'invalid_url',
  'invalid_evidence',
  'invalid_token',
  'tenant_unknown',
  'tenant_not_active',
  'lease_denied',
  'not_authenticated',
  'forbidden',
  'not_found',
  'already_exists',
  'conflict',
  'idempotency_key_reused',
  'precondition_failed',
  'too_large',
  'unsupported_media_type',
  'content_refused',
  'no_capacity',
  'approval_required',
  'rate_limited',
  'misdirected',
  'upstream_failed',
  'snapshot_stale',
  'snapshot_refused',
  'revocations_unknown',
  'move_failed',
  'check_failed',
  'migration_failed',
  'engine_unavailable',
  'engine_unsupported',
  'cluster_locked',
  'cluster_damaged',
  'disk_full',
  'not_writable',
  'port_taken',
  'timed_out',
  'overloaded',
  'void_run',
  'internal',
] as const

export type ErrorCode = (typeof ERROR_CODES)[number]

/** What only operators may read: it goes to logs, never to a tenant or another caller. */
export interface ErrorOptionsPrivate {
  /** Private context. It must hold no credential. */
  readonly detail?: string
  readonly cause?: unknown
}

/**
 * The one error type that leaves a module. `message` is public: one line that says what is wrong
 * and what to do, without secrets and without a word about other tenants.
 */
export class RingfenceError extends Error {
  readonly code: ErrorCode
  readonly detail: string | undefined

  constructor(code: ErrorCode, message: string, options: ErrorOptionsPrivate = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'RingfenceError'
    this.code = code
    this.detail = options.detail
  }
}

/** True for errors that the caller mends by changing the input; the CLI exits with 2 for them. */
export function isMisuse(error: unknown): error is RingfenceError {
  return error instanceof RingfenceError && error.code !== 'internal'
}

/** The message of anything that was thrown, in one line. */
export function messageOf(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown)
  return text.replace(/\s*\n\s*/g, ' ').trim()
}
