import { createPrivateKey, sign } from 'node:crypto'
import type { SigningKey } from './signing-key.ts'

const encode = (part: unknown) =>
  Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')

/**
 * A token with whatever header and payload one likes (text is taken as it is), signed by the key of
 * `key` in the way of that key's algorithm, whatever the header says.
 */
export function forge(key: SigningKey, header: unknown, payload: unknown): string {
  const text = `${encode(header)}.${encode(payload)}`
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  const signature =
    key.publicJwk.alg === 'EdDSA'
      ? sign(null, Buffer.from(text), privateKey)
      : sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A token with a signature that is given. */
export function unsigned(header: unknown, payload: unknown, signature = ''): string {
  return `${encode(header)}.${encode(payload)}.${signature}`
}
