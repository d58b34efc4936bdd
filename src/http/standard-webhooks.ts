import { createHmac, timingSafeEqual } from 'node:crypto'
import { RingfenceError } from '../core/errors.ts'

/**
 * Standard Webhooks 1.0 (standardwebhooks.com): HMAC-SHA256 over `id.timestamp.body`, the secret in
 * base64 behind `whsec_`, the signature as `v1,<base64>`, several of them parted by spaces while a
 * secret is replaced. The headers' names are the specification's.
 */

const PREFIX = 'whsec_'
const KEY_BYTES_MIN = 24
const KEY_BYTES_MAX = 64
const SIGNATURES_MAX = 8
/** How far a message's time may be from ours, either way. The specification leaves it to the reader. */
export const WEBHOOK_WINDOW_SECONDS = 300

/** No dot, so that id, time and body cannot be parted in two ways. */
const ID = /^[A-Za-z0-9_-]{1,128}$/
const TIMESTAMP = /^[1-9]\d{0,11}$/

declare const secretBrand: unique symbol
/** A secret of the specification's form, `whsec_…`: 24 to 64 random bytes. */
export type WebhookSecret = string & { readonly [secretBrand]: true }

/** @throws RingfenceError `invalid_argument`; the value is not echoed. */
export function parseWebhookSecret(value: unknown): WebhookSecret {
  if (typeof value === 'string' && value.startsWith(PREFIX)) {
    const text = value.slice(PREFIX.length)
    const bytes = Buffer.from(text, 'base64')
    const exact = bytes.toString('base64') === text
    if (exact && bytes.length >= KEY_BYTES_MIN && bytes.length <= KEY_BYTES_MAX) {
      return value as WebhookSecret
    }
  }
  throw new RingfenceError(
    'invalid_argument',
    `a webhook's secret is whsec_ and ${KEY_BYTES_MIN} to ${KEY_BYTES_MAX} random bytes in base64`,
  )
}

export type WebhookHeaders = Readonly<
  Record<'webhook-id' | 'webhook-timestamp' | 'webhook-signature', string>
>

/** The headers of a message that is sent now. The id stays the same when it is sent again. */
export function signWebhook(
  secrets: readonly WebhookSecret[],
  id: string,
  body: string,
  now: Date = new Date(),
): WebhookHeaders {
  if (!ID.test(id)) throw new RingfenceError('invalid_argument', 'the id cannot be signed')
  const timestamp = String(Math.floor(now.getTime() / 1000))
  const signatures = secrets.map(
    (secret) => `v1,${mac(secret, id, timestamp, body).toString('base64')}`,
  )
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}

/**
 * The id of a message whose signature and time are good. Whether it was seen before is the caller's to
 * know.
 * @throws RingfenceError `not_authenticated` (unsigned, forged, outside the window)
 */
export function verifySignature(
  secrets: readonly string[],
  headers: Readonly<Record<string, string>>,
  body: string,
  now: Date = new Date(),
): string {
  const id = headers['webhook-id'] ?? ''
  const timestamp = headers['webhook-timestamp'] ?? ''
  if (!ID.test(id) || !TIMESTAMP.test(timestamp)) throw forged()
  if (!carriesSignature(secrets, headers['webhook-signature'] ?? '', id, timestamp, body)) {
    throw forged()
  }
  // After the signature: who cannot sign learns nothing of our clock.
  if (Math.abs(now.getTime() / 1000 - Number(timestamp)) > WEBHOOK_WINDOW_SECONDS) {
    throw new RingfenceError('not_authenticated', 'the message is too old or from the future')
  }
  return id
}

/** Every pair is compared, in constant time, so that time tells nothing about which was near. */
function carriesSignature(
  secrets: readonly string[],
  header: string,
  id: string,
  timestamp: string,
  body: string,
): boolean {
  const presented = header
    .split(' ')
    .slice(0, SIGNATURES_MAX)
    .flatMap((entry) => (entry.startsWith('v1,') ? [Buffer.from(entry.slice(3), 'base64')] : []))
  let good = false
  for (const secret of secrets) {
    const expected = mac(secret, id, timestamp, body)
    for (const signature of presented) {
      if (signature.length === expected.length && timingSafeEqual(signature, expected)) good = true
    }
  }
  return good
}

function mac(secret: string, id: string, timestamp: string, body: string): Buffer {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64')
  return createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
}

function forged(): RingfenceError {
  return new RingfenceError('not_authenticated', 'the message is not signed by a known secret')
}
