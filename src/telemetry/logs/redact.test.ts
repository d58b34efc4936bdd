import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isSecretName, REDACTED, redactText, redactValue } from './redact.ts'

const word = (alphabet: string, minLength: number, maxLength: number) =>
  fc
    .array(fc.constantFrom(...alphabet.split('')), { minLength, maxLength })
    .map((characters) => characters.join(''))
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const PLAIN = 'abcdefghijklmnopqrstuvwxyz '

/** A secret of some kind, and what stands before and after it as it would be met in a line. */
const secrets = {
  'a JSON Web Token': fc
    .tuple(word(BASE64URL, 20, 60), word(BASE64URL, 20, 60), word(BASE64URL, 20, 60))
    .map(([a, b, c]) => ['', `eyJ${a}.${b}.${c}`, ''] as const),
  'a bearer token': word(BASE64URL, 16, 60).map((text) => ['Bearer ', text, ''] as const),
  'a basic credential': word('ABCDEFabcdef0123456789', 8, 30).map(
    (text) => ['authorization: Basic ', `${text}==`, ''] as const,
  ),
  'a cookie': word(BASE64URL, 8, 40).map((text) => ['Cookie: rf=', text, '; other=x'] as const),
  'a password in a field': word(BASE64URL, 6, 40).map(
    (text) => ['{"password":"', text, '"}'] as const,
  ),
  'a secret in a form': word(BASE64URL, 6, 40).map(
    (text) => ['grant=x&client_secret=', text, '&scope=read'] as const,
  ),
  'a code in a URL': word(BASE64URL, 6, 40).map(
    (text) => ['https://app.example/cb?state=x&code=', text, '#top'] as const,
  ),
  'a password in a URL': word('abcdefgh0123456789', 6, 20).map(
    (text) => ['postgres://user:', text, '@db.example/x'] as const,
  ),
  'an API key': word(BASE64URL, 20, 43).map((text) => ['key ', `rfk_${text}`, ''] as const),
  'a webhook secret': word('ABCDEFabcdef0123456789', 32, 44).map(
    (text) => ['secret ', `whsec_${text}`, ''] as const,
  ),
  'an address of mail': fc
    .tuple(word('abcdefghij.', 3, 20), word('abcdefghij', 3, 12))
    .map(([name, host]) => ['', `x${name}x@${host}.example`, ''] as const),
  'a private key': word(BASE64URL, 60, 80).map(
    (text) => ['-----BEGIN PRIVATE KEY-----\n', text, '\n-----END PRIVATE KEY-----'] as const,
  ),
  'a SCRAM verifier': word('ABCDEFabcdef0123456789', 20, 40).map(
    (text) => ['SCRAM-SHA-256$4096:', text, ''] as const,
  ),
}

describe('what must not be in a log', () => {
  for (const [what, secret] of Object.entries(secrets)) {
    test(`${what} is taken out, wherever it stands`, () => {
      const around = word(PLAIN, 0, 30)
      fc.assert(
        fc.property(around, secret, around, (before, [lead, text, tail], after) => {
          const line = `${before} ${lead}${text}${tail} ${after}`
          assert.ok(!redactText(line).includes(text), redactText(line))
          const nested = JSON.stringify(redactValue({ why: [{ deep: line }] }))
          assert.ok(!nested.includes(text), nested)
        }),
        { numRuns: 100 },
      )
    })
  }

  test('a field with the name of a secret keeps nothing, whatever it holds', () => {
    const names = [
      ...['password', 'Authorization', 'client_secret', 'accessToken', 'refresh_token', 'cookie'],
      ...['set-cookie', 'x-api-key', 'apiKey', 'clientAssertion', 'code_verifier', 'otp', 'email'],
      ...['privateKey', 'credential', 'DPoP', 'routing_key', 'userEmail', 'session_id'],
    ]
    fc.assert(
      fc.property(fc.constantFrom(...names), fc.jsonValue(), (name, value) => {
        assert.deepEqual(redactValue({ [name]: value }), { [name]: REDACTED })
      }),
    )
    for (const name of ['tenant', 'request_id', 'route', 'status', 'code', 'ms', 'trace_id']) {
      assert.equal(isSecretName(name), false, name)
    }
  })

  test('a line of ours stays as it is', () => {
    const line =
      '{"time":"2026-06-01T12:00:00.000Z","request_id":"0e1f9a52-6a53-4a77-a3a1-3f1d2c4b5a69",' +
      '"tenant":"acme","subject":"u-17","route":"clinic","method":"GET","status":200,"ms":1.2,' +
      '"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","reason":"no route"}'
    assert.equal(redactText(line), line)
    assert.deepEqual(redactValue(JSON.parse(line)), JSON.parse(line))
  })

  test('text of any kind is taken in little time, and twice is the same as once', () => {
    const hostile = [
      'a'.repeat(16_000),
      '@'.repeat(16_000),
      'token='.repeat(2_600),
      '"'.repeat(9e3),
    ]
    for (const text of [...hostile, `${'a'.repeat(60)}@`.repeat(250), 'eyJ'.repeat(5_000)]) {
      const once = redactText(text)
      assert.equal(redactText(once), once)
    }
  })
})
