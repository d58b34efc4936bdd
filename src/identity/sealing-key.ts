import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { JWK } from 'jose'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'

const CIPHER = 'aes-256-gcm'
const KEY_BYTES = 32
/** NIST SP 800-38D, section 8.2.2: a random nonce of 96 bits, for far fewer than 2^32 keys. */
const NONCE_BYTES = 12
const TAG_BYTES = 16
const VERSION = 1

/**
 * Seals the private keys of realms and the secrets of their users, so that whoever reads the database
 * can sign nothing and be nobody. What is sealed is bound to its realm and name: moved to another
 * row, it does not open.
 */
export class SealingKey {
  readonly #key: Buffer
  readonly #naming: Buffer

  private constructor(key: Buffer) {
    this.#key = key
    this.#naming = Buffer.from(hkdfSync('sha256', key, '', 'ringfence names', KEY_BYTES))
  }

  /**
   * Reads 256 bits in base64url from a file that only its owner may read.
   * @throws RingfenceError `invalid_argument`
   */
  static async read(path: string): Promise<SealingKey> {
    const { mode } = await stat(path).catch((error: unknown) => {
      throw new RingfenceError('invalid_argument', `the sealing key ${path}: ${messageOf(error)}`)
    })
    if ((mode & 0o077) !== 0) {
      throw new RingfenceError('invalid_argument', `${path} must be readable by its owner alone`)
    }
    const text = (await readFile(path, 'utf8')).trim()
    const key = Buffer.from(text, 'base64url')
    if (key.length !== KEY_BYTES || key.toString('base64url') !== text) {
      throw new RingfenceError('invalid_argument', `${path} does not hold 256 bits in base64url`)
    }
    return new SealingKey(key)
  }

  /**
   * A name for something that must not be kept as it is, such as what was typed: the same each time,
   * and nobody without the key can try which text it stands for. 43 characters of base64url.
   */
  nameFor(tenant: TenantId, ...parts: readonly string[]): string {
    const text = JSON.stringify([tenant, ...parts])
    return createHmac('sha256', this.#naming).update(text).digest('base64url')
  }

  seal(tenant: TenantId, kid: string, jwk: JWK): Buffer {
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, this.#key, nonce)
    cipher.setAAD(boundTo(tenant, kid))
    const sealed = Buffer.concat([cipher.update(JSON.stringify(jwk), 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(VERSION), nonce, sealed, cipher.getAuthTag()])
  }

  /** @throws RingfenceError `internal` when it was sealed for another realm, name or with another key */
  open(tenant: TenantId, kid: string, sealed: Buffer): JWK {
    try {
      if (sealed[0] !== VERSION) throw new TypeError('sealed in a way that is not known')
      const nonce = sealed.subarray(1, 1 + NONCE_BYTES)
      const decipher = createDecipheriv(CIPHER, this.#key, nonce, { authTagLength: TAG_BYTES })
      decipher.setAAD(boundTo(tenant, kid))
      decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
      const text = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES)
      const jwk: unknown = JSON.parse(
        Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8'),
      )
      return jwk as JWK
    } catch (error) {
      throw new RingfenceError('internal', 'a signing key does not open with this sealing key', {
        detail: `realm ${tenant}, key ${kid}`,
        cause: error,
      })
    }
  }
}

/** Neither part holds a line break. */
function boundTo(tenant: TenantId, kid: string): Buffer {
  return Buffer.from(`ringfence realm key\n${tenant}\n${kid}`)
}
