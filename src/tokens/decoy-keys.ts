import { type CryptoKey, generateKeyPair } from 'jose'
import { SIGNING_ALGORITHMS, type PublicJwk } from './signing-key.ts'
import { KeySet } from './verify-token.ts'

const DECOYS = new Map(
  await Promise.all(
    SIGNING_ALGORITHMS.map(
      async (alg): Promise<[string, CryptoKey]> => [alg, (await generateKeyPair(alg)).publicKey],
    ),
  ),
)

/**
 * A key set that also answers for a key that it does not hold: with one whose private part nobody
 * has. An unknown client, and an unknown key of a known one, then take as long as a wrong signature.
 */
export class DecoyKeys extends KeySet {
  constructor(jwks: readonly PublicJwk[] = []) {
    super(jwks)
  }

  override async find(kid: unknown, alg: unknown): Promise<CryptoKey | Uint8Array> {
    try {
      return await super.find(kid, alg)
    } catch (error) {
      const decoy = DECOYS.get(String(alg))
      if (decoy === undefined) throw error
      return decoy
    }
  }
}
