import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { Certificate } from './certificate-store.ts'

/** Forward secrecy and authenticated encryption, in either version: what Mozilla calls intermediate. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

export const TLS_SETTINGS: SecureContextOptions = {
  minVersion: 'TLSv1.2',
  ciphers: CIPHERS.join(':'),
  // A renegotiation costs us more than whoever asks for it, and nobody needs one.
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
}

/** @throws Error when key and chain do not belong together, or cannot be read */
export function contextOf({ key, chain }: Certificate): SecureContext {
  return createSecureContext({ ...TLS_SETTINGS, key, cert: chain })
}
