import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { forge } from '../tokens/forge.test-support.ts'
import { tokenHashOf } from '../tokens/dpop-proof.ts'
import { SigningKey } from '../tokens/signing-key.ts'

type Change = Readonly<Record<string, unknown>>

/** A client with a key of its own, and another's key. */
export const clientKey = await SigningKey.create('ES256')
export const otherKey = await SigningKey.create('ES256')
export const thumbprint = await calculateJwkThumbprint(clientKey.publicJwk)
/** What a token says that is bound to the client's key. */
export const BOUND = { cnf: { jkt: thumbprint } }

/** A good proof of the client's for a GET of a URL with a token, with changes. */
export function proofFor(
  token: string,
  url: string,
  change: Change = {},
  header: Change = {},
  key: SigningKey = clientKey,
): string {
  const { kty, crv, x, y } = key.publicJwk
  return forge(
    key,
    { typ: 'dpop+jwt', alg: key.publicJwk.alg, jwk: { kty, crv, x, y }, ...header },
    {
      jti: randomUUID(),
      htm: 'GET',
      htu: url,
      iat: Math.floor(Date.now() / 1000),
      ath: tokenHashOf(token),
      ...change,
    },
  )
}

/** The header fields of a token and its proofs. */
export const presenting = (token: string, ...proofs: readonly string[]): readonly string[] => [
  'authorization',
  `DPoP ${token}`,
  ...proofs.flatMap((proof) => ['dpop', proof]),
]
