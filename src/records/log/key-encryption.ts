import {
  createCipheriv,
  createDecipheriv,
  createSecretKey,
  hash,
  type KeyObject,
  randomFillSync,
} from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { messageOf, RingfenceError } from '../../core/errors.ts'

const CIPHER = 'aes-256-gcm'
export const KEY_BYTES = 32
const NONCE_BYTES = 12
const TAG_BYTES = 16
/** Tells key-encryption keys apart in what they have wrapped. */
const ID_BYTES = 4

interface Wrapping {
  readonly id: Buffer
  readonly key: KeyObject
}

/**
 * The keys that wrap data keys and signing keys before they go into the database: whoever reads the
 * database alone can read no entry and sign nothing. The first wraps; the others only unwrap, for as
 * long as something is wrapped with them.
 */
export class KeyEncryptionKeys {
  readonly #keys: readonly [Wrapping, ...Wrapping[]]

  /** @param keys 32 bytes each, the one in use first */
  constructor(keys: readonly [Buffer, ...Buffer[]]) {
    const [first, ...rest] = keys
    this.#keys = [wrappingOf(first), ...rest.map(wrappingOf)]
  }

  /**
   * Reads a file of keys, one a line, each 256 bits in base64url, that only its owner may read.
   * @throws RingfenceError `invalid_argument`
   */
  static async read(path: string): Promise<KeyEncryptionKeys> {
    const { mode } = await stat(path).catch((error: unknown) => {
      throw new RingfenceError('invalid_argument', `the logs' key ${path}: ${messageOf(error)}`)
    })
    if ((mode & 0o077) !== 0) {
      throw new RingfenceError('invalid_argument', `${path} must be readable by its owner alone`)
    }
    const lines = (await readFile(path, 'utf8')).split('\n').map((line) => line.trim())
    const [first, ...rest] = lines.filter((line) => line !== '').map((line) => keyOf(line, path))
    if (first === undefined) {
      throw new RingfenceError('invalid_argument', `${path} holds no key`)
    }
    return new KeyEncryptionKeys([first, ...rest])
  }

  /** Whether there are keys that only unwrap. */
  get hasOlder(): boolean {
    return this.#keys.length > 1
  }

  /** @param boundTo what it is for; it unwraps for nothing else */
  wrap(secret: Uint8Array, boundTo: string): Buffer {
    const { id, key } = this.#keys[0]
    return Buffer.concat([id, encrypt(key, secret, boundTo)])
  }

  /** @throws RingfenceError `internal` when none of the keys, or nothing of this name, was wrapped */
  unwrap(wrapped: Uint8Array, boundTo: string): Buffer {
    const id = Buffer.from(wrapped.subarray(0, ID_BYTES))
    const wrapping = this.#keys.find((one) => one.id.equals(id))
    const secret =
      wrapping === undefined
        ? undefined
        : decrypt(wrapping.key, wrapped.subarray(ID_BYTES), boundTo)
    if (secret !== undefined) return secret
    throw new RingfenceError('internal', "a key of a log does not open with the logs' key", {
      detail: boundTo,
    })
  }

  /** Whether it was wrapped with another key than the one in use. */
  isStale(wrapped: Uint8Array): boolean {
    return !this.#keys[0].id.equals(wrapped.subarray(0, ID_BYTES))
  }
}

/** Random bytes for many nonces: a call for each costs more than the encryption. */
const pool = Buffer.alloc(NONCE_BYTES * 256)
let used = pool.length

/** NIST SP 800-38D, section 8.2.2: 96 random bits, for far fewer than 2^32 texts a key. */
function freshNonce(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += NONCE_BYTES
  return Buffer.from(pool.subarray(used - NONCE_BYTES, used))
}

/** AES-256-GCM: nonce, ciphertext, tag. */
export function encrypt(key: KeyObject, text: Uint8Array, boundTo: string): Buffer {
  const nonce = freshNonce()
  const cipher = createCipheriv(CIPHER, key, nonce)
  cipher.setAAD(Buffer.from(boundTo))
  return Buffer.concat([nonce, cipher.update(text), cipher.final(), cipher.getAuthTag()])
}

/** Undefined when it was encrypted with another key, for something else, or was changed. */
export function decrypt(
  key: KeyObject,
  encrypted: Uint8Array,
  boundTo: string,
): Buffer | undefined {
  if (encrypted.length < NONCE_BYTES + TAG_BYTES) return undefined
  const decipher = createDecipheriv(CIPHER, key, encrypted.subarray(0, NONCE_BYTES), {
    authTagLength: TAG_BYTES,
  })
  decipher.setAAD(Buffer.from(boundTo))
  decipher.setAuthTag(encrypted.subarray(-TAG_BYTES))
  try {
    const text = decipher.update(encrypted.subarray(NONCE_BYTES, -TAG_BYTES))
    return Buffer.concat([text, decipher.final()])
  } catch {
    return undefined
  }
}

const wrappingOf = (key: Buffer): Wrapping => ({
  id: hash(
    'sha256',
    Buffer.concat([Buffer.from('ringfence log key id\n'), key]),
    'buffer',
  ).subarray(0, ID_BYTES),
  key: createSecretKey(key),
})

function keyOf(line: string, path: string): Buffer {
  const key = Buffer.from(line, 'base64url')
  if (key.length === KEY_BYTES && key.toString('base64url') === line) return key
  throw new RingfenceError('invalid_argument', `${path} does not hold 256 bits in base64url a line`)
}
