import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { RECORDS_URL_FILE } from '../platform/state-files.ts'
import type { Console } from './console.ts'
import {
  type AccessFlags,
  controlAccess,
  localAccess,
  type ControlAccess,
} from './control-access.ts'

export interface RecordsFlags extends Pick<AccessFlags, 'token' | 'state'> {
  readonly records?: string
}

/**
 * Where the records plane is, and who asks. One that is named needs a token with it; the file of a platform
 * here goes with that platform's own operator's token.
 * @throws RingfenceError `invalid_argument`, `invalid_url`, `not_authenticated`, `engine_unavailable`
 */
export function recordsAccess(flags: RecordsFlags, console: Console): ControlAccess {
  const { RINGFENCE_RECORDS, RINGFENCE_TOKEN } = console.environment
  const named = flags.records ?? (RINGFENCE_RECORDS === '' ? undefined : RINGFENCE_RECORDS)
  if (named !== undefined) return controlAccess({ ...flags, server: named }, console)
  const server = fileIn(flags.state)
  if (flags.token !== undefined || (RINGFENCE_TOKEN ?? '') !== '') {
    return controlAccess({ ...flags, server }, console)
  }
  const { token } = localAccess(flags.state)
  return controlAccess({ ...flags, server, token: String(token) }, console)
}

function fileIn(state: string): string {
  try {
    return readFileSync(join(state, RECORDS_URL_FILE), 'utf8').trim()
  } catch (error) {
    throw new RingfenceError(
      'engine_unavailable',
      `no records plane runs on ${state}; name one with --records, or another state directory with --state`,
      { detail: messageOf(error), cause: error },
    )
  }
}
