import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { calculateJwkThumbprint, generateKeyPair, exportJWK, SignJWT } from 'jose'
import { claimedProof, isSignedByItsKey, thumbprintOf, tokenHashOf } from './dpop-proof.ts'
import { forge } from './forge.test-support.ts'
import { SigningKey } from './signing-key.ts'

const key = await SigningKey.create('ES256')
const { kty, crv, x, y } = key.publicJwk
const now = Math.floor(Date.now() / 1000)
const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } }
const claims = {
  jti: 'one',
  htm: 'GET',
  htu: 'https://api.example/x',
  iat: now,
  ath: tokenHashOf('token'),
}
const proof = forge(key, header, claims)

test('what a proof says is read, and its signature is by the key in it', async () => {
  const read = claimedProof(proof)
  assert.deepEqual(read, {
    key: { kty, crv, x, y },
    id: 'one',
    method: 'GET',
    url: 'https://api.example/x',
    issuedAt: new Date(now * 1000),
    tokenHash: tokenHashOf('token'),
  })
  assert.equal(await isSignedByItsKey(proof), true)
  assert.equal(await thumbprintOf(read), await calculateJwkThumbprint(key.publicJwk))
})

test('what a client’s own library makes is accepted, with either algorithm', async () => {
  for (const alg of ['ES256', 'EdDSA']) {
    const pair = await generateKeyPair(alg, { extractable: true })
    const jwk = { ...(await exportJWK(pair.publicKey)), use: 'sig', key_ops: ['verify'], ext: true }
    const text = await new SignJWT(claims)
      .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk })
      .sign(pair.privateKey)
    assert.ok(claimedProof(text), alg)
    assert.equal(await isSignedByItsKey(text), true, alg)
  }
})

test('the example of RFC 9449, section 7, has the hash that it names', () => {
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
  assert.equal(tokenHashOf(token), 'fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
})

const wrong: Readonly<Record<string, readonly [object, object]>> = {
  'of another type': [{ typ: 'jwt' }, {}],
  'without a type': [{ typ: undefined }, {}],
  'of another algorithm': [{ alg: 'RS256' }, {}],
  'with a key for another algorithm': [{ jwk: { kty: 'oct', k: 'AAAA' } }, {}],
  'on another curve': [{ jwk: { kty, crv: 'secp256k1', x, y } }, {}],
  'with a private key': [{ jwk: key.privateJwk }, {}],
  'with half a key': [{ jwk: { kty, crv, x } }, {}],
  'without a key': [{ jwk: undefined }, {}],
  'with a key by name': [{ jwk: undefined, kid: key.publicJwk.kid }, {}],
  'with extensions': [{ crit: ['b64'], b64: false }, {}],
  'without an id': [{}, { jti: undefined }],
  'with an empty id': [{}, { jti: '' }],
  'without a method': [{}, { htm: undefined }],
  'with methods': [{}, { htm: ['GET', 'POST'] }],
  'without a URL': [{}, { htu: undefined }],
  'without a time': [{}, { iat: undefined }],
  'with a time that is text': [{}, { iat: String(now) }],
  'without the token’s hash': [{}, { ath: undefined }],
}
for (const [what, [head, change]] of Object.entries(wrong)) {
  test(`a proof ${what} is none`, async () => {
    const text = forge(key, { ...header, ...head }, { ...claims, ...change })
    assert.equal(claimedProof(text), undefined)
    assert.equal(await isSignedByItsKey(text), false)
  })
}

test('a claim that is there twice is refused, in whichever order', async () => {
  const body = JSON.stringify(claims)
  for (const text of [
    `${body.slice(0, -1)},"htm":"POST"}`,
    `{"htu":"https://evil.example",${body.slice(1)}`,
  ]) {
    const twice = forge(key, header, text)
    assert.equal(claimedProof(twice), undefined)
    assert.equal(await isSignedByItsKey(twice), false)
  }
})

test('whatever is changed in a proof, its signature is not valid any more', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.nat(proof.length - 1),
      fc.constantFrom(...Array.from('AZaz09-_.=')),
      async (at, character) => {
        const changed = proof.slice(0, at) + character + proof.slice(at + 1)
        fc.pre(changed !== proof)
        // The last character of a signature holds bits that nobody reads.
        fc.pre(at < proof.length - 1)
        assert.equal(await isSignedByItsKey(changed), false)
      },
    ),
    { numRuns: 300 },
  )
})

test('any text at all is no proof, and never an error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ maxLength: 5_000 }), async (text) => {
      assert.equal(claimedProof(text), undefined)
      assert.equal(await isSignedByItsKey(text), false)
    }),
  )
})
