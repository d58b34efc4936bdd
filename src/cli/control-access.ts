import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { Address } from '../http/call.ts'
import { carriesToken, NOT_CARRIED } from './carries-token.ts'
import type { Console } from './console.ts'
import { signedInToken } from './login/signed-in.ts'
import { CONTROL_URL_FILE, OPERATOR_TOKEN_FILE } from '../platform/state-files.ts'
import { readUrl } from './read-url.ts'

/** Where the control plane is, and who asks. The token is secret. */
export interface ControlAccess {
  readonly server: Address
  /** A sign-in gives a new one when the last has ended. */
  readonly token: string | (() => Promise<string>)
}

export interface AccessFlags {
  readonly server?: string
  readonly token?: string
  readonly state: string
}

/**
 * Flags come before the environment, the environment before a sign-in, and that before the files of a
 * platform that runs here. The file's token goes to the file's server and to no other, and so does what
 * a sign-in gave.
 * @throws RingfenceError `invalid_argument`, `invalid_url`, `engine_unavailable`
 */
export function controlAccess(flags: AccessFlags, console: Console): ControlAccess {
  const { RINGFENCE_SERVER, RINGFENCE_TOKEN } = console.environment
  const named = flags.server ?? filled(RINGFENCE_SERVER)
  const given = flags.token === undefined ? filled(RINGFENCE_TOKEN) : readUrl(flags.token, console)
  const server = safeAddress(named ?? fileIn(flags.state, CONTROL_URL_FILE))
  if (given !== undefined) return { server, token: header(given) }
  const signedIn = signedInToken(server, console)
  if (signedIn !== undefined) return { server, token: signedIn }
  if (named !== undefined) {
    throw new RingfenceError(
      'not_authenticated',
      'a server was named but no token: sign in with "ringfence login", set RINGFENCE_TOKEN, or give --token env:NAME',
    )
  }
  return { server, token: header(fileIn(flags.state, OPERATOR_TOKEN_FILE)) }
}

/** The control plane that is meant, whoever asks. */
export function controlServer(flags: AccessFlags, console: Console): Address {
  const named = flags.server ?? filled(console.environment['RINGFENCE_SERVER'])
  return safeAddress(named ?? fileIn(flags.state, CONTROL_URL_FILE))
}

/** The platform that runs on a state directory, whatever the environment says. */
export function localAccess(state: string): ControlAccess {
  const token = header(fileIn(state, OPERATOR_TOKEN_FILE))
  return { server: safeAddress(fileIn(state, CONTROL_URL_FILE)), token }
}

function filled(value: string | undefined): string | undefined {
  return value === undefined || value === '' ? undefined : value
}

function fileIn(state: string, name: string): string {
  const path = join(state, name)
  try {
    const { mode } = statSync(path)
    if (name === OPERATOR_TOKEN_FILE && (mode & 0o077) !== 0) {
      throw new RingfenceError(
        'invalid_argument',
        `${path} can be read by others: revoke the token, then chmod 600 the file`,
      )
    }
    return readFileSync(path, 'utf8').trim()
  } catch (error) {
    if (error instanceof RingfenceError) throw error
    throw new RingfenceError(
      'engine_unavailable',
      `no platform runs on ${state}; start one with "ringfence up", name another with --state, or a server with --server`,
      { detail: messageOf(error), cause: error },
    )
  }
}

/** A token is sent encrypted, or not off this machine. */
function safeAddress(value: string): Address {
  if (value.startsWith('unix:')) return value
  const url = URL.parse(value)
  const bare = url !== null && /^https?:$/.test(url.protocol) && url.username === ''
  if (!bare || url.pathname !== '/' || url.search !== '') {
    throw new RingfenceError(
      'invalid_url',
      'a server is https://host, http://127.0.0.1:port or unix:/path',
    )
  }
  if (!carriesToken(url)) throw new RingfenceError('invalid_url', NOT_CARRIED)
  return url.origin
}

function header(token: string): string {
  if (/^[\x21-\x7e]{1,4096}$/.test(token)) return token
  throw new RingfenceError('invalid_argument', 'that is not an operator’s token')
}
