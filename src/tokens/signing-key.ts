import { createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { RingfenceError } from '../core/errors.ts'

/** ES256 for what OpenID Connect clients read, EdDSA for what only our own processes read. */
export const SIGNING_ALGORITHMS = ['ES256', 'EdDSA'] as const
export type SigningAlgorithm = (typeof SIGNING_ALGORITHMS)[number]

export type PublicJwk = JWK & { readonly kid: string; readonly alg: SigningAlgorithm }

/** Bits of a mode that let anyone but the owner in. */
const MODE_OF_OTHERS = 0o077

/** A private key with its name. The key itself never leaves it except by `privateJwk`. */
export class SigningKey {
  readonly publicJwk: PublicJwk
  readonly #key: CryptoKey
  readonly #privateJwk: JWK
  /** Made when it is first signed with. */
  #keyObject: KeyObject | undefined

  private constructor(key: CryptoKey, privateJwk: JWK, publicJwk: PublicJwk) {
    this.#key = key
    this.#privateJwk = privateJwk
    this.publicJwk = publicJwk
  }

  static async create(alg: SigningAlgorithm): Promise<SigningKey> {
    const { privateKey } = await generateKeyPair(alg, { extractable: true })
    return SigningKey.fromJwk({ ...(await exportJWK(privateKey)), alg, kid: randomUUID() })
  }

  /** @throws RingfenceError `invalid_argument` for anything but a private ES256 or EdDSA key with a kid */
  static async fromJwk(jwk: JWK): Promise<SigningKey> {
    const alg = SIGNING_ALGORITHMS.find((name) => name === jwk.alg)
    const { d, ...rest } = jwk
    if (alg === undefined || jwk.kid === undefined || typeof d !== 'string') {
      throw new RingfenceError('invalid_argument', 'not a private signing key with alg and kid')
    }
    try {
      const key = await importJWK(jwk, alg)
      if (key instanceof Uint8Array) throw new TypeError('a symmetric key')
      return new SigningKey(key, jwk, { ...rest, use: 'sig', alg, kid: jwk.kid })
    } catch (error) {
      throw new RingfenceError('invalid_argument', 'the signing key cannot be read', {
        cause: error,
      })
    }
  }

  /** Secret. For whoever stores the key. */
  get privateJwk(): JWK {
    return this.#privateJwk
  }

  /** Signs claims as they are. `typ` keeps one kind of token from passing as another (RFC 8725, 3.11). */
  async sign(typ: string, claims: Readonly<Record<string, unknown>>): Promise<string> {
    const { alg, kid } = this.publicJwk
    return new SignJWT(claims).setProtectedHeader({ alg, typ, kid }).sign(this.#key)
  }

  /**
   * The same without waiting, at a fraction of the cost: for whoever signs in the middle of a request.
   * The calling thread does the work itself.
   */
  signNow(typ: string, claims: Readonly<Record<string, unknown>>): string {
    const { alg, kid } = this.publicJwk
    const text = `${encoded({ alg, typ, kid })}.${encoded(claims)}`
    this.#keyObject ??= createPrivateKey({ key: this.#privateJwk, format: 'jwk' })
    const signature =
      alg === 'EdDSA'
        ? sign(null, Buffer.from(text), this.#keyObject)
        : // RFC 7518, section 3.4: the two numbers one after the other, and no ASN.1 around them.
          sign('sha256', Buffer.from(text), { key: this.#keyObject, dsaEncoding: 'ieee-p1363' })
    return `${text}.${signature.toString('base64url')}`
  }
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url')
}

/**
 * The key in a file that only we may read, made at the first call. The first of several callers
 * makes it, and all get the same; a kill midway leaves none or a whole one.
 * @throws RingfenceError `invalid_argument` for a file that others can read, or that holds no key of
 *   this algorithm
 */
export async function readOrMakeSigningKey(
  path: string,
  alg: SigningAlgorithm,
): Promise<SigningKey> {
  const draft = `${path}.${randomUUID()}`
  if (!existsSync(path)) {
    const { privateJwk } = await SigningKey.create(alg)
    try {
      await writeFile(draft, JSON.stringify(privateJwk), { mode: 0o600, flag: 'wx', flush: true })
      await link(draft, path)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    } finally {
      await rm(draft, { force: true })
    }
  }
  if (((await stat(path)).mode & MODE_OF_OTHERS) !== 0) {
    throw new RingfenceError('invalid_argument', `${path} can be read by others: chmod 600 it`)
  }
  const key = await SigningKey.fromJwk(parseJwk(await readFile(path, 'utf8'), path))
  if (key.publicJwk.alg === alg) return key
  throw new RingfenceError('invalid_argument', `${path} does not hold an ${alg} key`)
}

function parseJwk(text: string, path: string): JWK {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null) return value
  } catch {
    // Without the cause: it quotes the file.
  }
  throw new RingfenceError('invalid_argument', `${path} does not hold a key`)
}
