import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import {
  CLIENT,
  type HostileSite,
  SECRET,
  type Started,
  startHostileSite,
} from './hostile-site.test-support.ts'

let site: HostileSite
before(async () => {
  site = await startHostileSite()
})
after(() => site.stop())
beforeEach(() => site.reset())

test('a good answer signs in, so that each refusal below is for its own fault', async () => {
  const started = await site.start(site.acme)
  site.idp.idToken = () => site.idp.sign(site.good(started))
  const page = await site.answer(started, { code: 'c', state: started.state, iss: site.idp.issuer })
  assert.equal(page.text, 'finished')
  assert.equal(site.finished[0]?.interaction, started.interaction)
  const [asked] = site.idp.tokenRequests
  assert.equal(asked?.form.get('code'), 'c')
  assert.match(asked?.form.get('code_verifier') ?? '', /^[\w-]{43}$/)
  assert.match(asked?.authorization ?? '', /^Basic /)
})

/** Good but for this. */
const saying = (changes: Readonly<Record<string, unknown>>) => (started: Started) =>
  site.idp.sign({ ...site.good(started), ...changes })

describe('an ID token', () => {
  const cases: readonly (readonly [
    string,
    string,
    (started: Started) => Promise<string> | string,
  ])[] = [
    ['of another issuer', 'wrong_issuer', saying({ iss: 'https://evil.example' })],
    [
      'whose issuer has a slash more',
      'wrong_issuer',
      (s) => site.idp.sign({ ...site.good(s), iss: `${site.idp.issuer}/` }),
    ],
    ['for another audience', 'wrong_audience', saying({ aud: 'another' })],
    ['for others as well', 'wrong_audience', saying({ aud: [CLIENT, 'another'], azp: CLIENT })],
    ['that another party asked for', 'wrong_audience', saying({ azp: 'another' })],
    ['with another nonce', 'wrong_request', saying({ nonce: 'another' })],
    ['without a nonce', 'wrong_request', saying({ nonce: undefined })],
    [
      'that has expired',
      'expired',
      (s) => site.idp.sign({ ...site.good(s), exp: site.good(s).iat - 3600 }),
    ],
    [
      'that was issued long ago',
      'expired',
      (s) => site.idp.sign({ ...site.good(s), iat: site.good(s).iat - 3600 }),
    ],
    ['without a subject', 'response_invalid', saying({ sub: undefined })],
    ['with an empty subject', 'response_invalid|subject_missing', saying({ sub: '' })],
    [
      'without a signature (none)',
      'algorithm_refused',
      (s) => unsigned({ alg: 'none' }, site.good(s)),
    ],
    [
      'without a signature (NoNe)',
      'algorithm_refused',
      (s) => unsigned({ alg: 'NoNe' }, site.good(s)),
    ],
    [
      'signed with the public key as a secret',
      'algorithm_refused',
      async (s) => {
        const header = part({ alg: 'HS256', kid: 'k1' })
        const signed = `${header}.${part(site.good(s))}`
        const secret = await exportSPKI(site.idp.publicKey)
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
      },
    ],
    [
      'signed with the client secret',
      'algorithm_refused',
      (s) =>
        new SignJWT(site.good(s))
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(SECRET.padEnd(32, 'x'))),
    ],
    [
      'signed with an algorithm that is not pinned',
      'algorithm_refused',
      (s) => {
        return site.idp
          .sign(site.good(s), { alg: 'PS256' })
          .catch(() => unsigned({ alg: 'PS256', kid: 'k1' }, site.good(s)))
      },
    ],
    [
      'signed by another key under the same kid',
      'signature_invalid',
      async (s) => {
        const { privateKey } = await generateKeyPair('RS256')
        return new SignJWT(site.good(s))
          .setProtectedHeader({ alg: 'RS256', kid: 'k1' })
          .sign(privateKey)
      },
    ],
    [
      'that brings its own key',
      'signature_invalid',
      async (s) => {
        const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
        const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'k2' }
        return new SignJWT(site.good(s))
          .setProtectedHeader({
            alg: 'RS256',
            kid: 'k2',
            jwk,
            jku: 'https://evil.example',
          })
          .sign(privateKey)
      },
    ],
  ]
  for (const [what, reason, make] of cases) {
    test(`${what} signs nobody in`, async () => {
      const started = await site.start(site.acme)
      site.idp.idToken = () => make(started)
      site.assertRefused(
        await site.answer(started, { code: 'c', state: started.state, iss: site.idp.issuer }),
        reason,
      )
    })
  }
})

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function unsigned(header: unknown, claims: unknown): string {
  return `${part(header)}.${part(claims)}.`
}
