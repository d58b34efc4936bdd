import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { RingfenceError } from '../../core/errors.ts'

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
const PURPOSE = 'ringfence idempotent answer v1'

/**
 * An answer that holds a secret (a new token) is remembered only in this form: opened by who holds the
 * token that asked for it. The database, which knows no more than the token's hash, cannot read it.
 */
export function seal(answer: string, token: string, key: string): string {
  const iv = randomBytes(IV_BYTES)
  const cipher = createCipheriv(CIPHER, keyOf(token, key), iv)
  const sealed = Buffer.concat([cipher.update(answer, 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), sealed]).toString('base64')
}

/** @throws RingfenceError `conflict` for another token of the same operator. */
export function unseal(sealed: string, token: string, key: string): string {
  const bytes = Buffer.from(sealed, 'base64')
  try {
    const decipher = createDecipheriv(CIPHER, keyOf(token, key), bytes.subarray(0, IV_BYTES))
    decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
    return Buffer.concat([
      decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)),
      decipher.final(),
    ]).toString('utf8')
  } catch (error) {
    throw new RingfenceError(
      'conflict',
      'this was done already, and its answer is shown only to the token that asked for it',
      { cause: error },
    )
  }
}

function keyOf(token: string, key: string): Buffer {
  return Buffer.from(hkdfSync('sha256', token, key, PURPOSE, 32))
}
