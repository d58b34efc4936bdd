import { type CryptoKey, generateKeyPair } from 'jose'
import type { SigningAlgorithm } from './signing-key.ts'

const decoys = new Map<SigningAlgorithm, Promise<CryptoKey>>()

/**
 * A public key whose private half nobody has, made once a process. It is verified against where the
 * key that a token names is not known, so that this takes as long as a wrong signature by a known
 * key: the time tells nobody which keys, and so which tenants, there are.
 */
export function decoyKey(alg: SigningAlgorithm): Promise<CryptoKey> {
  const known = decoys.get(alg)
  if (known !== undefined) return known
  const made = generateKeyPair(alg).then(({ publicKey }) => publicKey)
  decoys.set(alg, made)
  return made
}
