import { RingfenceError } from '../../core/errors.ts'
import type { Console } from '../console.ts'
import { type Login, LoginsFile } from './logins-file.ts'
import { refreshed } from './sign-in.ts'

/** A token that ends within this time is renewed before it is used. Milliseconds. */
const SOON_MS = 30_000

/** The way to an access token of whoever signed in at this control plane; undefined when nobody did. */
export function signedInToken(
  server: string,
  console: Console,
): (() => Promise<string>) | undefined {
  const file = LoginsFile.of(console)
  if (file?.read(server) === undefined) return undefined
  return () => currentToken(file, server)
}

/** @throws RingfenceError `not_authenticated` when it is to be signed in again */
async function currentToken(file: LoginsFile, server: string): Promise<string> {
  const known = file.read(server)
  if (known !== undefined && isGood(known)) return known.accessToken
  return file.alone(async () => {
    // Another process may have renewed it while we waited.
    const login = file.read(server)
    if (login === undefined) throw signInAgain()
    if (isGood(login)) return login.accessToken
    if (login.refreshToken === undefined) throw signInAgain()
    const next = await refreshed({ ...login, refreshToken: login.refreshToken })
    if (next === undefined) {
      file.write(server, undefined)
      throw signInAgain()
    }
    file.write(server, next)
    return next.accessToken
  })
}

function isGood({ expiresAt }: Login): boolean {
  return expiresAt - Date.now() > SOON_MS
}

function signInAgain(): RingfenceError {
  return new RingfenceError('not_authenticated', 'the sign-in has ended: ringfence login')
}
