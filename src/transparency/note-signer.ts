import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { cosignedText, encodeCosignature } from './cosignature.ts'
import type { NoteSignature } from './signed-note.ts'
import {
  COSIGNATURE,
  ED25519,
  rawPublicKey,
  type VerifierKey,
  verifierKey,
} from './verifier-key.ts'

export const SEED_BYTES = 32
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Signs notes with an Ed25519 key under a name. */
export interface NoteSigner {
  readonly key: VerifierKey
  sign(text: string): NoteSignature
}

/** A log's signer. @param seed 32 bytes, as RFC 8032 calls the private key */
export function logSigner(name: string, seed: Uint8Array): NoteSigner {
  const privateKey = privateKeyOf(seed)
  const key = verifierKey(name, ED25519, rawPublicKey(createPublicKey(privateKey)))
  return {
    key,
    sign: (text) => ({ ...named(key), signature: sign(null, Buffer.from(text), privateKey) }),
  }
}

/**
 * A witness's signer: C2SP tlog-cosignature, with the time at which it signs. Its key must sign nothing
 * else under another name, because the name is not in what is signed.
 * @param now seconds since the epoch
 */
export function cosigner(name: string, seed: Uint8Array, now: () => number): NoteSigner {
  const privateKey = privateKeyOf(seed)
  const key = verifierKey(name, COSIGNATURE, rawPublicKey(createPublicKey(privateKey)))
  return {
    key,
    sign: (text) => {
      const time = Math.floor(now())
      const signature = sign(null, Buffer.from(cosignedText(time, text)), privateKey)
      return { ...named(key), signature: encodeCosignature(time, signature) }
    },
  }
}

export const newSeed = (): Buffer => randomBytes(SEED_BYTES)

const named = ({ name, id }: VerifierKey) => ({ name, id })

function privateKeyOf(seed: Uint8Array): KeyObject {
  if (seed.length !== SEED_BYTES) throw new TypeError('an Ed25519 private key has 32 bytes')
  const key = Buffer.concat([PKCS8_PREFIX, seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}
