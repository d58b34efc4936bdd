import { createHmac, createPrivateKey, sign } from 'node:crypto'
import type { SigningKey } from '../tokens/signing-key.ts'

export type Part = Readonly<Record<string, unknown>> | string

/**
 * A token with any header and payload (text is taken as it is), signed with a key in the way of that
 * key's own algorithm, whatever the header says.
 */
export function forge(key: SigningKey, header: Part, payload: Part): string {
  const text = `${encoded(header)}.${encoded(payload)}`
  const privateKey = createPrivateKey({ key: key.privateJwk, format: 'jwk' })
  const signature =
    key.publicJwk.alg === 'EdDSA'
      ? sign(null, Buffer.from(text), privateKey)
      : sign('sha256', Buffer.from(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })
  return `${text}.${signature.toString('base64url')}`
}

/** A token with an HMAC under a secret that everybody knows. */
export function forgeWithSecret(secret: string | Buffer, header: Part, payload: Part): string {
  const text = `${encoded(header)}.${encoded(payload)}`
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
}

/** A token whose signature is whatever is given. */
export function forgeUnsigned(header: Part, payload: Part, signature = ''): string {
  return `${encoded(header)}.${encoded(payload)}.${signature}`
}

/** The header of what a key signs. */
export function headerOf(key: SigningKey, typ: string): Readonly<Record<string, unknown>> {
  const { alg, kid } = key.publicJwk
  return { alg, typ, kid }
}

/** Seconds since 1970, as claims have it. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000)
}

function encoded(part: Part): string {
  return Buffer.from(typeof part === 'string' ? part : JSON.stringify(part)).toString('base64url')
}
