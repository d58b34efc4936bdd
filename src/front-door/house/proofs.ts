import { randomUUID } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { forge, seconds } from '../../strikes/forge.ts'
import { tokenHashOf } from '../../tokens/dpop-proof.ts'
import { SigningKey } from '../../tokens/signing-key.ts'
import type { Claims } from './claims.ts'

/** A client that binds its tokens to a key (RFC 9449). */
export interface KeyHolder {
  readonly key: SigningKey
  /** What its tokens name. */
  readonly thumbprint: string
}

export async function makeKeyHolder(): Promise<KeyHolder> {
  const key = await SigningKey.create('ES256')
  return { key, thumbprint: await calculateJwkThumbprint(key.publicJwk) }
}

export interface Proving {
  readonly token: string
  readonly url: string
  /** In place of what a good proof says. */
  readonly claims?: Claims
  readonly header?: Claims
}

/** A proof as a holder makes one, with changes. */
export function proofBy({ key }: KeyHolder, proving: Proving): string {
  const { token, url, claims = {}, header = {} } = proving
  return forge(
    key,
    { typ: 'dpop+jwt', alg: key.publicJwk.alg, jwk: publicPartOf(key), ...header },
    {
      jti: randomUUID(),
      htm: 'GET',
      htu: url,
      iat: seconds(),
      ath: tokenHashOf(token),
      ...claims,
    },
  )
}

export function publicPartOf({ publicJwk }: SigningKey): Claims {
  const { kty, crv, x, y } = publicJwk
  return { kty, crv, x, y }
}
