import { createHmac, createPublicKey, type JsonWebKey, verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'
import type { PublicJwk } from '../tokens/signing-key.ts'
import { CLOCK_TOLERANCE_SECONDS, type TokenRules } from '../tokens/verify-token.ts'

/**
 * What a careless verifier leaves out, or believes.
 *
 * - `typ`, `issuer`, `audience`, `expiry`, `beginning`, `lifetime`, `strictness`: rules left out.
 * - `audience-lists`: an audience among several is enough.
 * - `unsigned`: alg none is an algorithm.
 * - `secret`: HS256 is one, with the public key as its secret.
 * - `own-key`: a token may bring its key.
 * - `optional`: what a token does not say cannot be wrong.
 * - `extensions`: those that the header calls critical do not matter to it.
 * - `signature`: it reads and does not verify.
 * - `algorithm`: by an algorithm that it does not know there is nothing to verify.
 * - `key-files`: HS256 is an algorithm, with its secret in the file that kid names.
 */
export type Carelessness =
  | 'typ'
  | 'issuer'
  | 'audience'
  | 'audience-lists'
  | 'expiry'
  | 'beginning'
  | 'lifetime'
  | 'strictness'
  | 'unsigned'
  | 'secret'
  | 'own-key'
  | 'optional'
  | 'extensions'
  | 'signature'
  | 'algorithm'
  | 'key-files'

/** Where secrets are kept, by kid. */
const KEY_FILES = '/var/lib/keys'

type Claims = Readonly<Record<string, unknown>>

/**
 * A token verifier as people write them by hand, with one thing amiss, or none. Mutants put it in the
 * place of `verifyToken`. It stands apart from it, so that the product's own has no way to be told
 * to look away.
 * @throws RingfenceError `invalid_token`
 */
export function carelessVerify(
  token: string,
  keys: readonly PublicJwk[],
  rules: TokenRules,
  amiss?: Carelessness,
): Claims {
  const [first = '', second = '', third = '', ...rest] = token.split('.')
  const header = objectIn(first, true)
  const claims = objectIn(second, amiss !== 'strictness')
  const missing = (name: string) => amiss === 'optional' && claims[name] === undefined
  demand(rest.length === 0 && (amiss === 'extensions' || header['crit'] === undefined))
  demand(isSigned(`${first}.${second}`, third, header, keys, amiss))
  demand(amiss === 'typ' || header['typ'] === rules.typ)
  demand(amiss === 'issuer' || missing('iss') || claims['iss'] === rules.issuer)
  demand(amiss === 'audience' || missing('aud') || isFor(rules.audience, claims['aud'], amiss))
  demandTimes(claims, rules, amiss)
  for (const name of ['sub', 'jti']) {
    demand(missing(name) || (typeof claims[name] === 'string' && claims[name] !== ''))
  }
  return claims
}

function isSigned(
  text: string,
  signature: string,
  header: Claims,
  keys: readonly PublicJwk[],
  amiss: Carelessness | undefined,
): boolean {
  const { alg, kid, jwk } = header
  if (amiss === 'signature' || (amiss === 'unsigned' && alg === 'none')) return true
  const brought = amiss === 'own-key' && typeof jwk === 'object' ? (jwk as JsonWebKey) : undefined
  const known = keys.find((key) => key.kid === kid)
  const secret = alg === 'HS256' ? secretOf(kid, known, amiss) : undefined
  if (secret !== undefined) {
    return createHmac('sha256', secret).update(text).digest('base64url') === signature
  }
  const key = brought ?? known
  if (alg !== 'ES256' && alg !== 'EdDSA') return amiss === 'algorithm'
  if (key === undefined) return false
  if (brought === undefined && known?.alg !== alg) return false
  const publicKey = createPublicKey({ key, format: 'jwk' })
  const bytes = Buffer.from(signature, 'base64url')
  return alg === 'EdDSA'
    ? verify(null, Buffer.from(text), publicKey, bytes)
    : verify('sha256', Buffer.from(text), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes)
}

/** What an HMAC is to be by, for a verifier that knows anything. */
function secretOf(
  kid: unknown,
  known: PublicJwk | undefined,
  amiss: Carelessness | undefined,
): string | Buffer | undefined {
  if (amiss === 'secret' && known !== undefined) return JSON.stringify(known)
  return amiss === 'key-files' ? readFileSync(join(KEY_FILES, String(kid))) : undefined
}

function isFor(audience: string, claimed: unknown, amiss: Carelessness | undefined): boolean {
  if (amiss === 'audience-lists' && Array.isArray(claimed)) return claimed.includes(audience)
  return claimed === audience
}

function demandTimes(claims: Claims, rules: TokenRules, amiss: Carelessness | undefined): void {
  const now = Date.now() / 1000
  const missing = amiss === 'optional' ? now : undefined
  const { iat = missing, exp = missing, nbf } = claims
  demand(typeof iat === 'number' && typeof exp === 'number')
  const late = now - CLOCK_TOLERANCE_SECONDS
  const early = now + CLOCK_TOLERANCE_SECONDS
  if (amiss !== 'expiry') demand(exp > late)
  if (amiss !== 'beginning') demand(iat <= early && (typeof nbf !== 'number' || nbf <= early))
  if (amiss !== 'lifetime' && amiss !== 'expiry') {
    demand(exp - iat <= rules.secondsMax && now - iat <= rules.secondsMax + CLOCK_TOLERANCE_SECONDS)
  }
}

function objectIn(part: string, strict: boolean): Claims {
  const text = Buffer.from(part, 'base64url').toString()
  try {
    const value: unknown = strict ? parseStrictJson(text) : JSON.parse(text)
    demand(typeof value === 'object' && value !== null)
    return { ...value }
  } catch {
    throw refused()
  }
}

function demand(holds: boolean): asserts holds {
  if (!holds) throw refused()
}

function refused(): RingfenceError {
  return new RingfenceError('invalid_token', 'the token is not valid')
}
