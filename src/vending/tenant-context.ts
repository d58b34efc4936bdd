import { randomUUID } from 'node:crypto'
import {
  type CryptoKey,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import { RingfenceError } from '../core/errors.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'

/** RFC 8725 3.11: an explicit type, so that no other token is taken for a tenant context. */
const TOKEN_TYPE = 'rf-context+jwt'
const ALGORITHM = 'EdDSA'
export const VENDING_AUDIENCE = 'ringfence-vending'
const ISSUER = 'ringfence'
/** Seconds by which clocks may differ. */
const CLOCK_TOLERANCE_SECONDS = 5

/** Signs tenant contexts. Whoever holds it speaks for every tenant: it stays in the platform. */
export class ContextSigner {
  readonly #key: CryptoKey
  readonly publicJwk: JWK

  private constructor(key: CryptoKey, publicJwk: JWK) {
    this.#key = key
    this.publicJwk = publicJwk
  }

  static async create(): Promise<ContextSigner> {
    const { privateKey, publicKey } = await generateKeyPair(ALGORITHM)
    const jwk = { ...(await exportJWK(publicKey)), alg: ALGORITHM, kid: randomUUID() }
    return new ContextSigner(privateKey, jwk)
  }

  /** A token that says "on behalf of this tenant", good for one audience and a short time. */
  async sign(tenant: TenantId, seconds: number, audience = VENDING_AUDIENCE): Promise<string> {
    return new SignJWT({ tenant_id: tenant })
      .setProtectedHeader({ alg: ALGORITHM, typ: TOKEN_TYPE, kid: this.publicJwk.kid ?? '' })
      .setIssuer(ISSUER)
      .setAudience(audience)
      .setIssuedAt()
      .setExpirationTime(`${seconds}s`)
      .setJti(randomUUID())
      .sign(this.#key)
  }
}

/**
 * Verifies a tenant context and returns the tenant.
 * @throws RingfenceError `invalid_token`, with the reason in the private detail only.
 */
export async function verifyContext(
  token: string,
  publicJwk: JWK,
  audience = VENDING_AUDIENCE,
): Promise<TenantId> {
  try {
    const key = await importJWK(publicJwk, ALGORITHM)
    const { payload } = await jwtVerify(token, key, {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience,
      typ: TOKEN_TYPE,
      requiredClaims: ['exp', 'iat', 'jti', 'tenant_id'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
    })
    return parseTenantId(payload['tenant_id'])
  } catch (error) {
    throw new RingfenceError('invalid_token', 'the tenant context is not valid', { cause: error })
  }
}
