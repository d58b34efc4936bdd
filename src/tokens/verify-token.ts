import {
  base64url,
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  importJWK,
  jwtVerify,
} from 'jose'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import { decoyKey } from './decoy-key.ts'
import { type PublicJwk, SIGNING_ALGORITHMS } from './signing-key.ts'

/** Seconds by which clocks may differ. */
export const CLOCK_TOLERANCE_SECONDS = 5
/** Longer tokens are refused unread. */
const TOKEN_CHARACTERS_MAX = 8_192
const CLAIMS_REQUIRED = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti']

/** What a kind of token must be. */
export interface TokenRules {
  readonly typ: string
  readonly issuer: string
  /** Exactly this one: a token for several audiences is good for none. */
  readonly audience: string
  /** Longest life from iat to exp, in seconds. */
  readonly secondsMax: number
  /** When it must be good: now (the default), or when it was issued, which was not after now. */
  readonly asOf?: 'now' | 'issue'
}

export type Claims = Readonly<Record<string, unknown>> & {
  readonly iss: string
  readonly sub: string
  readonly jti: string
  readonly iat: number
  readonly exp: number
}

/** Public keys by kid. Nothing in a token, no `jwk`, `jku` or `x5c`, adds a key to it. */
export class KeySet {
  readonly #keys = new Map<string, { jwk: PublicJwk; imported?: Promise<CryptoKey | Uint8Array> }>()

  /** @throws RingfenceError `invalid_argument` when two keys have one kid, or an alg is not ours */
  constructor(jwks: readonly PublicJwk[]) {
    for (const jwk of jwks) {
      if (this.#keys.has(jwk.kid) || !SIGNING_ALGORITHMS.includes(jwk.alg) || 'd' in jwk) {
        throw new RingfenceError(
          'invalid_argument',
          'a key set holds public keys with their own kid',
        )
      }
      this.#keys.set(jwk.kid, { jwk })
    }
  }

  /**
   * The key that the header names. Where there is none, or it is for another algorithm than the
   * header asks for, a decoy by which no signature is valid.
   * @throws TypeError for an algorithm that is not ours
   */
  async find(kid: unknown, alg: unknown): Promise<CryptoKey | Uint8Array> {
    const known = SIGNING_ALGORITHMS.find((name) => name === alg)
    if (known === undefined) throw new TypeError('no such algorithm')
    const entry = typeof kid === 'string' ? this.#keys.get(kid) : undefined
    if (entry?.jwk.alg !== known) return decoyKey(known)
    entry.imported ??= importJWK(entry.jwk, entry.jwk.alg)
    return entry.imported
  }
}

/**
 * Verifies signature, kind, issuer, audience and times of a token.
 * @throws RingfenceError `invalid_token`, with the reason in the private detail only
 */
export async function verifyToken(token: string, keys: KeySet, rules: TokenRules): Promise<Claims> {
  try {
    if (token.length > TOKEN_CHARACTERS_MAX) throw new TypeError('too long')
    const header = decodeProtectedHeader(token)
    const key = await keys.find(header.kid, header.alg)
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...SIGNING_ALGORITHMS],
      typ: rules.typ,
      issuer: rules.issuer,
      audience: rules.audience,
      requiredClaims: CLAIMS_REQUIRED,
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      maxTokenAge: rules.secondsMax,
      ...(rules.asOf === 'issue' ? { currentDate: issuedAt(token) } : {}),
    })
    const text = new TextDecoder().decode(base64url.decode(token.split('.')[1] ?? ''))
    // Signers and readers differ in which of two claims of one name they take.
    parseStrictJson(text)
    return checkedClaims(payload, rules)
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the token is not valid', {
      detail: messageOf(error),
      cause: error,
    })
  }
}

/** Of a token that nobody has verified yet: what it says is true only if its signature is. */
function issuedAt(token: string): Date {
  const { iat } = decodeJwt(token)
  const now = Date.now() / 1000
  if (iat === undefined || iat > now + CLOCK_TOLERANCE_SECONDS)
    throw new TypeError('not issued yet')
  return new Date(iat * 1000)
}

function checkedClaims(payload: Readonly<Record<string, unknown>>, rules: TokenRules): Claims {
  const { iss, sub, aud, jti, iat, exp } = payload
  if (aud !== rules.audience) throw new TypeError('not for this audience alone')
  if (
    typeof iss !== 'string' ||
    typeof sub !== 'string' ||
    typeof jti !== 'string' ||
    typeof iat !== 'number' ||
    typeof exp !== 'number'
  ) {
    throw new TypeError('a claim is of the wrong type')
  }
  if (sub === '' || jti === '') throw new TypeError('a claim is empty')
  if (exp - iat > rules.secondsMax) throw new TypeError('it lives too long')
  return { ...payload, iss, sub, jti, iat, exp }
}
