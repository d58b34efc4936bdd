import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { forge, unsigned } from './forge.test-support.ts'
import { SigningKey } from './signing-key.ts'
import { KeySet, type TokenRules, verifyToken } from './verify-token.ts'

const key = await SigningKey.create('ES256')
const edKey = await SigningKey.create('EdDSA')
const stranger = await SigningKey.create('ES256')
const keys = new KeySet([key.publicJwk, edKey.publicJwk])
const { kid } = key.publicJwk
const rules: TokenRules = {
  typ: 'at+jwt',
  issuer: 'https://id.example/acme',
  audience: 'https://api.example',
  secondsMax: 300,
}
const header = { alg: 'ES256', typ: 'at+jwt', kid }
const now = Math.floor(Date.now() / 1000)
const claims = {
  iss: rules.issuer,
  aud: rules.audience,
  sub: 'ann',
  jti: 'one',
  iat: now,
  exp: now + 300,
}

const isRefused = (error: unknown) =>
  error instanceof RingfenceError &&
  error.code === 'invalid_token' &&
  error.message === 'the token is not valid'

function refuse(title: string, token: string): void {
  test(title, () => assert.rejects(verifyToken(token, keys, rules), isRefused))
}

test('a token of the realm is accepted, by either algorithm', async () => {
  for (const one of [key, edKey]) {
    const { alg, kid } = one.publicJwk
    const verified = await verifyToken(forge(one, { ...header, alg, kid }, claims), keys, rules)
    assert.equal(verified.sub, 'ann')
  }
})

for (const alg of ['none', 'None', '', 'HS256', 'RS256', 'ES384', 'es256', null, 256]) {
  refuse(`alg ${JSON.stringify(alg)} is refused`, forge(key, { ...header, alg }, claims))
}
refuse('alg none without a signature is refused', unsigned({ ...header, alg: 'none' }, claims))
refuse('an all-zero signature is refused', unsigned(header, claims, 'A'.repeat(86)))
refuse('a token without a signature is refused', unsigned(header, claims))

test('a public key is no shared secret', async () => {
  for (const secret of [JSON.stringify(key.publicJwk), String(key.publicJwk.x), kid]) {
    const text = unsigned({ ...header, alg: 'HS256' }, claims).slice(0, -1)
    const mac = createHmac('sha256', secret).update(text).digest('base64url')
    await assert.rejects(verifyToken(`${text}.${mac}`, keys, rules), isRefused)
  }
})

refuse('a key is good for its own algorithm only', forge(key, { ...header, alg: 'EdDSA' }, claims))
refuse(
  "another key's name does not help",
  forge(key, { ...header, kid: edKey.publicJwk.kid }, claims),
)
refuse('another key under a known name is refused', forge(stranger, header, claims))
for (const bad of [undefined, null, '', 0, [kid], { kid }, '__proto__', '../../etc/passwd']) {
  refuse(`kid ${JSON.stringify(bad)} is refused`, forge(key, { ...header, kid: bad }, claims))
}
for (const [name, value] of Object.entries({
  jwk: stranger.publicJwk,
  jku: 'https://evil.example/jwks',
  x5u: 'https://evil.example/cert',
  x5c: ['MIIB'],
})) {
  const { kid } = stranger.publicJwk
  refuse(
    `a token brings no key: ${name}`,
    forge(stranger, { ...header, kid, [name]: value }, claims),
  )
}
refuse(
  'an extension that must be understood is refused',
  forge(key, { ...header, crit: ['x'], x: 1 }, claims),
)
refuse(
  'an unencoded payload is refused',
  forge(key, { ...header, b64: false, crit: ['b64'] }, claims),
)

for (const typ of [undefined, 'JWT', 'rf-context+jwt', 'at+jwt2', '', null]) {
  refuse(`typ ${JSON.stringify(typ)} is refused`, forge(key, { ...header, typ }, claims))
}

const wrong: Readonly<Record<string, object>> = {
  'an audience list with this one alone': { aud: [rules.audience] },
  'an audience list with another': { aud: [rules.audience, 'https://other.example'] },
  'another audience': { aud: 'https://other.example' },
  'no audience': { aud: undefined },
  'an audience that only begins like ours': { aud: `${rules.audience}/` },
  'another issuer': { iss: 'https://id.example/globex' },
  'an issuer list': { iss: [rules.issuer] },
  'no issuer': { iss: undefined },
  'no subject': { sub: undefined },
  'an empty subject': { sub: '' },
  'a subject that is a number': { sub: 1 },
  'no id': { jti: undefined },
  'an empty id': { jti: '' },
  'no expiry': { exp: undefined },
  'an expiry that is text': { exp: String(now + 300) },
  'no time of issue': { iat: undefined },
  'a time of issue that is text': { iat: String(now) },
  'an expiry in the past': { iat: now - 100, exp: now - 10 },
  'an expiry before its issue': { iat: now, exp: now - 400 },
  'too long a life': { exp: now + 301 },
  'an issue in the future': { iat: now + 60, exp: now + 120 },
  'an issue long ago': { iat: now - 10_000, exp: now + 60 },
  'a life that begins later': { nbf: now + 60 },
}
for (const [what, change] of Object.entries(wrong)) {
  refuse(`${what} is refused`, forge(key, header, { ...claims, ...change }))
}

test('a claim that is there twice is refused, in whichever order', async () => {
  const text = JSON.stringify(claims).slice(0, -1)
  for (const twice of [
    `${text},"sub":"root"}`,
    `${text},"s\\u0075b":"root"}`,
    `{"tenant":{"a":1,"a":2},${text.slice(1)}}`,
    `{"aud":"https://other.example",${text.slice(1)}}`,
  ]) {
    await assert.rejects(verifyToken(forge(key, header, twice), keys, rules), isRefused)
  }
})

for (const payload of ['[]', '"text"', 'null', '1', '{', '', '{"exp":1e999}']) {
  refuse(`the payload ${payload} is refused`, forge(key, header, payload))
}

refuse(
  'a token beyond the longest is refused',
  forge(key, header, { ...claims, pad: 'x'.repeat(9_000) }),
)
test('a long token below the limit is accepted', async () => {
  await verifyToken(forge(key, header, { ...claims, pad: 'x'.repeat(4_000) }), keys, rules)
})

test('no text that is not the token itself is taken for it', async () => {
  const token = forge(key, header, claims)
  const [head = '', payload = '', signature = ''] = token.split('.')
  for (const text of [
    '',
    '.',
    '..',
    '...',
    token.slice(0, -4),
    `${head}.${payload}`,
    `${token}.${signature}`,
    `${head}.${head}.${signature}`,
    JSON.stringify({ protected: head, payload, signature }),
  ]) {
    await assert.rejects(verifyToken(text, keys, rules), isRefused, text)
  }
})

test('whatever is changed in a token, it is refused, and never with another error', async () => {
  const token = forge(key, header, claims)
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_. =\n'.split('')
  await fc.assert(
    fc.asyncProperty(
      // The last letter carries bits that are no part of the signature.
      fc.nat(token.length - 2),
      fc.constantFrom(...letters),
      async (index, letter) => {
        fc.pre(token[index] !== letter)
        const changed = token.slice(0, index) + letter + token.slice(index + 1)
        await assert.rejects(verifyToken(changed, keys, rules), isRefused)
      },
    ),
    { numRuns: 200 },
  )
})

test('any text at all is refused with the same error', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), (text) =>
      assert.rejects(verifyToken(text, keys, rules), isRefused),
    ),
    { numRuns: 200 },
  )
})

test('a key that is not known costs a signature like one that is', async () => {
  const unknown = await keys.find('nobody', 'ES256')
  assert.ok(!(unknown instanceof Uint8Array))
  assert.equal(unknown.type, 'public')
  assert.equal(await keys.find('somebody', 'ES256'), unknown)
  assert.notEqual(await keys.find(kid, 'ES256'), unknown)
})

test('a key set takes no private key, no name twice and no other algorithm', () => {
  const misuse = { code: 'invalid_argument' }
  assert.throws(() => new KeySet([key.publicJwk, { ...stranger.publicJwk, kid }]), misuse)
  assert.throws(() => new KeySet([{ ...key.publicJwk, d: 'secret' }]), misuse)
  const other = { ...key.publicJwk, alg: 'RS256' } as unknown as typeof key.publicJwk
  assert.throws(() => new KeySet([other]), misuse)
})
