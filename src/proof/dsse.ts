import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parseStrictJson } from '../core/strict-json.ts'

/**
 * DSSE, the Dead Simple Signing Envelope, version 1: `protocol.md` and `envelope.md` of
 * secure-systems-lab/dsse. The algorithm is Ed25519 and nothing else.
 */

/** Longest envelope that is read, in characters: evidence takes a few megabytes. */
const ENVELOPE_LENGTH_MAX = 64 * 1024 * 1024
const SIGNATURES_MAX = 16
const ED25519_SIGNATURE_BYTES = 64

export interface Signer {
  /** Hex SHA-256 of the public key's SPKI DER. */
  readonly keyid: string
  sign(bytes: Uint8Array): Uint8Array
}

// Fields that the specification does not name are ignored, as it demands; nothing of them is used.
const envelopeSchema = z.object({
  payload: z.string(),
  payloadType: z.string(),
  signatures: z
    .array(z.object({ sig: z.string(), keyid: z.string().optional() }))
    .min(1)
    .max(SIGNATURES_MAX),
})

/** PAE of the specification: `DSSEv1 LEN(type) type LEN(body) body`, lengths in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8')
  return Buffer.concat([
    Buffer.from(`DSSEv1 ${type.length} `),
    type,
    Buffer.from(` ${payload.length} `),
    payload,
  ])
}

/** The envelope's text, one signature in it. */
export function sealEnvelope(payloadType: string, payload: Uint8Array, signer: Signer): string {
  const sig = signer.sign(preAuthEncoding(payloadType, payload))
  const envelope = {
    payload: Buffer.from(payload).toString('base64'),
    payloadType,
    signatures: [{ keyid: signer.keyid, sig: Buffer.from(sig).toString('base64') }],
  }
  return `${JSON.stringify(envelope, null, 2)}\n`
}

/**
 * The payload of an envelope that has a signature by the key. The key id in the envelope is a hint
 * and decides nothing.
 * @throws RingfenceError `invalid_evidence` for anything else
 */
export function openEnvelope(text: string, payloadType: string, key: KeyObject): Buffer {
  if (text.length > ENVELOPE_LENGTH_MAX) throw refusal('the envelope is too long')
  let parsed: unknown
  try {
    parsed = parseStrictJson(text)
  } catch (error) {
    throw refusal('the envelope is not a JSON document without repeated keys', error)
  }
  const envelope = envelopeSchema.safeParse(parsed)
  if (!envelope.success) throw refusal('this is not a signed DSSE envelope', envelope.error)
  if (envelope.data.payloadType !== payloadType) {
    throw refusal(`the payload type is not ${payloadType}`)
  }
  const payload = decodeBase64(envelope.data.payload)
  if (payload === undefined) throw refusal('the payload is not canonical base64')
  const signed = preAuthEncoding(payloadType, payload)
  const good = envelope.data.signatures.some(({ sig }) => {
    const signature = decodeBase64(sig)
    return signature?.length === ED25519_SIGNATURE_BYTES && verify(null, signed, key, signature)
  })
  if (!good) throw refusal('no signature in the envelope was made by this key over this payload')
  return payload
}

/**
 * Reads an Ed25519 public key, an SPKI PEM block and nothing else.
 * @throws RingfenceError `invalid_evidence`
 */
export function readPublicKey(pem: string): KeyObject {
  const block = /^-----BEGIN PUBLIC KEY-----\r?\n[A-Za-z0-9+/=\r\n]+-----END PUBLIC KEY-----\s*$/
  if (!block.test(pem)) throw refusal('the key is not one PEM public key')
  let key: KeyObject
  try {
    key = createPublicKey(pem)
  } catch (error) {
    throw refusal('the key cannot be read', error)
  }
  if (key.asymmetricKeyType !== 'ed25519') throw refusal('the key is not an Ed25519 key')
  return key
}

/** Hex SHA-256 of the key's SPKI DER. */
export function keyIdOf(key: KeyObject): string {
  const der = key.export({ type: 'spki', format: 'der' })
  return createHash('sha256').update(der).digest('hex')
}

/** Standard base64 with padding, or URL-safe with or without, in the one form an encoder makes. */
function decodeBase64(text: string): Buffer | undefined {
  const standard = Buffer.from(text, 'base64')
  if (standard.toString('base64') === text) return standard
  const unpadded = text.replace(/={0,2}$/, '')
  const padding = text.length - unpadded.length
  const urlSafe = Buffer.from(unpadded, 'base64url')
  const canonical = urlSafe.toString('base64url') === unpadded
  return canonical && (padding === 0 || text.length % 4 === 0) ? urlSafe : undefined
}

export function refusal(message: string, cause?: unknown): RingfenceError {
  return new RingfenceError('invalid_evidence', message, { cause })
}
