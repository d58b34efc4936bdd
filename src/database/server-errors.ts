import pg from 'pg'
import { messageOf, RingfenceError } from '../core/errors.ts'

/** What an error of the server, or of the way to it, is for a caller. A refusal of ours stays as it is. */
export type ErrorsOf = (error: unknown) => unknown

/** Classes 08 (connection), 53 (resources), 57P (shutdown): the way to the server is broken. */
const BROKEN = /^(?:08|53|57P)/
const NETWORK = /^(?:ECONN|ENOENT|EPIPE|ETIMEDOUT|EHOST|ENET|EAI_)/
/** What the client library says without a code. */
const LOST =
  /^(?:Connection terminated|Client has encountered a connection error|Client was closed|Query read timeout|timeout e|Cannot use a pool)/

/** The SQLSTATE or the system's code, or nothing. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}

/** True when the server cannot be reached, or does not serve now. */
export function isOutOfReach(error: unknown): boolean {
  const code = codeOf(error)
  if (BROKEN.test(code) || NETWORK.test(code)) return true
  return error instanceof Error && LOST.test(error.message)
}

/** True when a statement, or its wait for a lock, was given up after its time. */
export function isGivenUp(error: unknown): boolean {
  const code = codeOf(error)
  return code === '57014' || code === '55P03'
}

/** True when the server ended a transaction that may succeed when it is tried again. */
export function isDeadlock(error: unknown): boolean {
  return error instanceof pg.DatabaseError && (error.code === '40P01' || error.code === '40001')
}

/** True when a statement broke the named unique or foreign key. */
export function breaks(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.constraint === constraint
}

/**
 * For callers who read the server's own errors: only `engine_unavailable` and `timed_out` are ours.
 * @param name `the control database`
 */
export function reachedOrNot(name: string): ErrorsOf {
  return (error) => {
    if (error instanceof RingfenceError) return error
    const options = { detail: messageOf(error), cause: error }
    if (isGivenUp(error)) {
      return new RingfenceError('timed_out', `${name} did not answer in time`, options)
    }
    if (isOutOfReach(error)) {
      return new RingfenceError('engine_unavailable', `${name} cannot be reached`, options)
    }
    return error
  }
}

/** For callers who do not: whatever the server says, it is `engine_unavailable`. */
export function usableOrNot(name: string): (error: unknown) => RingfenceError {
  return (error) =>
    error instanceof RingfenceError
      ? error
      : new RingfenceError('engine_unavailable', `${name} cannot be used`, {
          detail: messageOf(error),
          cause: error,
        })
}
