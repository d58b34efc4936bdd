import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { SigningKey } from '../../tokens/signing-key.ts'
import type { RealmAlgorithm } from './realm-settings.ts'

const RSA_BITS = 2048

/** A new private key with its name, and what of it everybody may know. */
export interface NewKey {
  readonly privateJwk: JWK
  readonly publicJwk: JWK & { readonly kid: string; readonly alg: string }
}

/** Makes a signing key for a realm. RS256 takes some tenths of a second; the others take none. */
export async function makeRealmKey(alg: RealmAlgorithm): Promise<NewKey> {
  if (alg !== 'RS256') return SigningKey.create(alg)
  const { privateKey, publicKey } = await generateKeyPair(alg, {
    modulusLength: RSA_BITS,
    extractable: true,
  })
  const name = { alg, kid: randomUUID() }
  return {
    privateJwk: { ...(await exportJWK(privateKey)), ...name },
    publicJwk: { ...(await exportJWK(publicKey)), use: 'sig', ...name },
  }
}
