import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openDoor, tokenOf } from './door.test-support.ts'
import {
  BOUND,
  clientKey,
  otherKey,
  presenting,
  proofFor,
  thumbprint,
} from './dpop.test-support.ts'

const PATH = '/t/acme/clinic/x'
const URL_OF_IT = `http://api.example${PATH}`
const bound = () => tokenOf('acme', BOUND)

test('a bound token with a proof of its key gets through, and the proof goes no further', async (t) => {
  const door = await openDoor(t)
  const token = bound()
  const headers = presenting(token, proofFor(token, URL_OF_IT))
  assert.equal((await door.ask({ path: `${PATH}?page=2`, headers })).status, 200)
  const [seen] = door.upstream.seen
  assert.equal(seen?.headers['dpop'], undefined)
  assert.equal(seen?.headers['authorization'], undefined)
})

test('the URL is compared as a URL: by host too, with its port, and whatever its query', async (t) => {
  const door = await openDoor(t)
  const cases: readonly (readonly [host: string, path: string, htu: string])[] = [
    ['api.example', PATH, `HTTP://API.example:80${PATH}?x=1#y`],
    ['api.example:8443', PATH, `http://api.example:8443${PATH}`],
    ['ACME.example', '/clinic/x', 'http://acme.example/clinic/x'],
    ['acme.example.', '/clinic/x', 'http://acme.example/clinic/x'],
    ['api.example', '/t/acme/clinic/%7Ex', 'http://api.example/t/acme/clinic/~x'],
  ]
  for (const [host, path, htu] of cases) {
    const token = bound()
    const headers = presenting(token, proofFor(token, htu))
    assert.equal((await door.ask({ host, path, headers })).status, 200, htu)
  }
})

test('behind https the proof names https', async (t) => {
  const door = await openDoor(t, { publicProtocol: 'https' })
  const ask = async (url: string) => {
    const token = bound()
    return (await door.ask({ path: PATH, headers: presenting(token, proofFor(token, url)) })).status
  }
  assert.equal(await ask(`https://api.example${PATH}`), 200)
  assert.equal(await ask(URL_OF_IT), 401)
})

const now = () => Math.floor(Date.now() / 1000)
const { kty, crv, x, y } = clientKey.publicJwk
type Make = (token: string) => readonly string[]
/** What a request presents that must not get through. */
const wrong: Readonly<Record<string, Make>> = {
  'as a bearer token': (token) => ['authorization', `Bearer ${token}`],
  'as a bearer token, with a good proof beside it': (token) => [
    ...['authorization', `Bearer ${token}`],
    ...['dpop', proofFor(token, URL_OF_IT)],
  ],
  'without a proof': (token) => presenting(token),
  'with two proofs': (token) =>
    presenting(token, proofFor(token, URL_OF_IT), proofFor(token, URL_OF_IT)),
  'with a proof that is none': (token) => presenting(token, 'nonsense'),
  'with a proof by another key': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, {}, otherKey)),
  "with another key's signature under the client's key": (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { jwk: { kty, crv, x, y } }, otherKey)),
  'with a proof for another token': (token) => presenting(token, proofFor(bound(), URL_OF_IT)),
  'with a proof for no token': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { ath: undefined })),
  'with a proof for another method': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { htm: 'POST' })),
  'with a proof for the method in small letters': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { htm: 'get' })),
  'with a proof for another path': (token) => presenting(token, proofFor(token, `${URL_OF_IT}/y`)),
  'with a proof for another host': (token) =>
    presenting(token, proofFor(token, `http://evil.example${PATH}`)),
  'with a proof for another port': (token) =>
    presenting(token, proofFor(token, `http://api.example:81${PATH}`)),
  'with a proof for a user of the host': (token) =>
    presenting(token, proofFor(token, `http://ann@api.example${PATH}`)),
  'with a proof for a path': (token) => presenting(token, proofFor(token, PATH)),
  'with an old proof': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { iat: now() - 61 })),
  'with a proof of the future': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { iat: now() + 10 })),
  'with a proof that has no id': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { jti: '' })),
  'with a proof of another type': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { typ: 'JWT' })),
  'with a proof that is not signed': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { alg: 'none' })),
  'with a proof with an HMAC': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { alg: 'HS256' })),
  'with a proof that shows the private key': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { jwk: clientKey.privateJwk })),
  'with a proof whose extensions nobody knows': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, {}, { crit: ['x'], x: 1 })),
  'with a proof that has expired by its own word': (token) =>
    presenting(token, proofFor(token, URL_OF_IT, { exp: now() - 60 })),
}
for (const [what, make] of Object.entries(wrong)) {
  test(`a bound token ${what} is refused like any that is not valid`, async (t) => {
    const door = await openDoor(t)
    const { status, headers, body } = await door.ask({ path: PATH, headers: make(bound()) })
    assert.equal(status, 401)
    assert.match(String(headers['www-authenticate']), /^(?:Bearer|DPoP) .*error="invalid_token"/)
    assert.doesNotMatch(body, /proof|key/)
    assert.equal(door.upstream.seen.length, 0)
  })
}

test('an unbound token is refused with a proof, in either scheme', async (t) => {
  const door = await openDoor(t)
  const token = tokenOf('acme')
  const proof = proofFor(token, URL_OF_IT)
  for (const headers of [
    presenting(token, proof),
    presenting(token),
    ['authorization', `Bearer ${token}`, 'dpop', proof],
  ]) {
    assert.equal((await door.ask({ path: PATH, headers })).status, 401)
  }
})

test('a proof is good once: replayed, also at the same moment, it opens nothing', async (t) => {
  const door = await openDoor(t)
  const token = bound()
  const headers = presenting(token, proofFor(token, URL_OF_IT))
  const replies = await Promise.all([1, 2, 3].map(() => door.ask({ path: PATH, headers })))
  assert.deepEqual(replies.map(({ status }) => status).toSorted(), [200, 401, 401])
  assert.equal((await door.ask({ path: PATH, headers })).status, 401)
})

test('where a tenant has used its room for proofs, others have theirs', async (t) => {
  const door = await openDoor(t, { limits: { proofsPerTenant: 2 } })
  const ask = async (tenant: string) => {
    const token = tokenOf(tenant, BOUND)
    const path = `/t/${tenant}/clinic/x`
    const headers = presenting(token, proofFor(token, `http://api.example${path}`))
    return (await door.ask({ path, headers })).status
  }
  const statuses = [await ask('acme'), await ask('acme'), await ask('acme'), await ask('globex')]
  assert.deepEqual(statuses, [200, 200, 503, 200])
})

test('the challenge says in which way a token is wanted, by the caller’s own words', async (t) => {
  const door = await openDoor(t)
  const challenges = []
  for (const tenant of ['acme', 'none']) {
    const path = `/t/${tenant}/clinic/x`
    const { headers } = await door.ask({ path, headers: presenting('nonsense') })
    challenges.push(headers['www-authenticate'])
  }
  assert.equal(challenges[0], 'DPoP algs="ES256 EdDSA", realm="ringfence", error="invalid_token"')
  assert.equal(challenges[1], challenges[0])
})

test('a token’s thumbprint is that of RFC 7638', () => {
  assert.match(thumbprint, /^[\w-]{43}$/)
})
