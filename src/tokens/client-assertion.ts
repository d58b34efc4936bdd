import { randomUUID } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'
import { type ClientId, parseClientId } from '../core/names.ts'
import type { SigningKey } from './signing-key.ts'
import { KeySet, verifyToken } from './verify-token.ts'

/** RFC 7523, section 2.2. */
export const CLIENT_ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const TYP = 'client-authentication+jwt'
const SECONDS = 30
const SECONDS_MAX = 60
/** More life than any has left, clocks apart. */
const LEFT_SECONDS_MAX = 3 * SECONDS_MAX

/** A workload's (or a plane's) proof of its own identity for one audience, used once. */
export async function signClientAssertion(
  key: SigningKey,
  client: ClientId,
  audience: string,
): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  return key.sign(TYP, {
    iss: client,
    sub: client,
    aud: audience,
    iat,
    exp: iat + SECONDS,
    jti: randomUUID(),
  })
}

/**
 * Remembers which assertions were used, for as long as they would be valid. By a clock that nobody sets: one
 * that is set forward for a while would otherwise forget what is valid again afterwards.
 */
export class UsedAssertions {
  readonly #until = new Map<string, number>()

  /** True at the first call for a jti. Entries come in order of expiry, within the longest life. */
  take(jti: string, expiresAtSeconds: number): boolean {
    const now = performance.now() / 1000
    const left = expiresAtSeconds - Date.now() / 1000
    for (const [id, until] of this.#until) {
      if (until > now) break
      this.#until.delete(id)
    }
    if (this.#until.has(jti)) return false
    // Ends later than the assertion itself can be valid anywhere, clocks apart.
    this.#until.set(jti, now + Math.min(Math.max(left, 0), LEFT_SECONDS_MAX) + SECONDS_MAX)
    return true
  }
}

/**
 * Verifies private_key_jwt client authentication. `keysOf` gives the client's registered keys, or
 * undefined for a client that there is not; both are refused alike.
 * @throws RingfenceError `invalid_token`
 */
export async function verifyClientAssertion(
  assertion: string,
  audience: string,
  keysOf: (client: ClientId) => KeySet | undefined,
  used: UsedAssertions,
): Promise<ClientId> {
  const client = claimedClient(assertion)
  const keys = keysOf(client) ?? new KeySet([])
  const claims = await verifyToken(assertion, keys, {
    typ: TYP,
    issuer: client,
    audience,
    secondsMax: SECONDS_MAX,
  })
  if (claims.sub !== client) throw refused()
  if (!used.take(`${client}:${claims.jti}`, claims.exp)) throw refused()
  return client
}

function claimedClient(assertion: string): ClientId {
  try {
    const payload: unknown = JSON.parse(
      Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString(),
    )
    return parseClientId((payload as { iss?: unknown } | null)?.iss)
  } catch (error) {
    throw refused(error)
  }
}

function refused(cause?: unknown): RingfenceError {
  return new RingfenceError('invalid_token', 'the token is not valid', { cause })
}
