import { parseTenantId } from '../core/tenant.ts'
import type { GatewayAttack } from './attacks.test-support.ts'
import { type Door, tokenOf } from './door.test-support.ts'
import { BOUND, clientKey, otherKey, presenting, proofFor } from './dpop.test-support.ts'

const PATH = '/t/acme/clinic/x'
const URL_OF_IT = `http://api.example${PATH}`
const { kty, crv, x, y } = clientKey.publicJwk

/** A stolen bound token, and what a thief puts beside it. */
function stolen(
  against: string,
  title: string,
  present: (token: string) => readonly string[],
): GatewayAttack {
  return {
    title,
    against,
    async run(door) {
      const headers = present(tokenOf('acme', BOUND))
      return (await door.ask({ path: PATH, headers })).status === 200
    },
  }
}

type Claims = Readonly<Record<string, unknown>>
const proven = (token: string, claims: Claims = {}, header: Claims = {}, key = clientKey) =>
  presenting(token, proofFor(token, URL_OF_IT, claims, header, key))

export const PROOF_ATTACKS: readonly GatewayAttack[] = [
  {
    title: 'a token that was taken back after it had been accepted',
    against: 'not-revoked',
    async run(door: Door) {
      const token = tokenOf('acme', { sid: 'session-1' })
      await door.ask({ path: PATH, token })
      const tenant = parseTenantId('acme')
      door.revocations.revoke({ kind: 'session', tenant, id: 'session-1', at: new Date() })
      return (await door.ask({ path: PATH, token })).status === 200
    },
  },
  stolen('token-in-its-scheme', 'a stolen bound token as a bearer token', (token) => [
    'authorization',
    `Bearer ${token}`,
  ]),
  stolen('proof-is-signed', 'a proof that only names the key', (token) =>
    proven(token, {}, { jwk: { kty, crv, x, y } }, otherKey),
  ),
  stolen('proof-by-the-tokens-key', 'a proof by the thief’s own key', (token) =>
    proven(token, {}, {}, otherKey),
  ),
  stolen('proof-for-the-token', 'a proof that was made for another token', (token) =>
    presenting(token, proofFor(tokenOf('acme', BOUND), URL_OF_IT)),
  ),
  stolen('proof-for-the-method', 'a proof that was made for another method', (token) =>
    proven(token, { htm: 'POST' }),
  ),
  stolen('proof-for-the-url', 'a proof that was made for another server', (token) =>
    proven(token, { htu: `https://evil.example${PATH}` }),
  ),
  stolen('proof-is-recent', 'a proof of an hour ago', (token) =>
    proven(token, { iat: Math.floor(Date.now() / 1000) - 3_600 }),
  ),
  {
    title: 'a proof a second time',
    against: 'proof-once',
    async run(door: Door) {
      const headers = proven(tokenOf('acme', BOUND))
      await door.ask({ path: PATH, headers })
      return (await door.ask({ path: PATH, headers })).status === 200
    },
  },
]
