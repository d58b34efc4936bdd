import { type ErrorCode, RingfenceError } from '../core/errors.ts'
import type { Database } from './database.ts'
import { requestKey } from './request-key.ts'

/** Refused calls with one idempotency key, after which it is worn out. */
const ATTEMPTS_MAX = 50

/** After which nobody knows whether it was carried out. */
const NO_OUTCOME: ReadonlySet<ErrorCode> = new Set(['engine_unavailable', 'timed_out', 'internal'])

/** One call that may have come before. */
export interface Attempt {
  /** Undefined: whoever makes it does not say so when it repeats it. */
  readonly key: string | undefined
  /** It was begun before, and nobody knows how it ended. */
  readonly repeated: boolean
}

/**
 * Which attempt a call is, by its idempotency key. One that was refused has changed nothing, and the
 * next with its key is a new one; one without an outcome is made again under the same name, so that
 * whoever carries it out can tell.
 */
export async function thisAttempt(database: Database): Promise<Attempt> {
  const key = requestKey()
  if (key === null) return { key: undefined, repeated: false }
  for (let n = 0; n < ATTEMPTS_MAX; n += 1) {
    const name = n === 0 ? key : `${key}.${n}`
    const found = await database.query<{ request_key: string }>(
      'select request_key from registry.act where request_key = any ($1)',
      [[name, refusedName(name)]],
    )
    if (!found.some((row) => row.request_key === refusedName(name))) {
      return { key: name, repeated: found.length > 0 }
    }
  }
  throw new RingfenceError('conflict', 'this idempotency key was refused too often: take another')
}

/** Under which the refusal of an attempt is recorded. */
export function refusedName(attempt: string): string {
  return `${attempt}.refused`
}

/** Under which it is recorded that an attempt was carried out, with what came of it. */
export function doneName(attempt: string): string {
  return `${attempt}.done`
}

/** What an attempt failed with. Refused: it has changed nothing. */
export function failureOf(error: unknown): { readonly code: ErrorCode; readonly refused: boolean } {
  const code = error instanceof RingfenceError ? error.code : 'internal'
  return { code, refused: !NO_OUTCOME.has(code) }
}
