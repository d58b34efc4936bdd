import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { readCookie } from './cookies.ts'
import { type CsrfScope, checkCsrf, csrfToken } from './csrf.ts'

const REFUSED = { code: 'forbidden' }
const OURS = { 'sec-fetch-site': 'same-origin', origin: 'null' }

const realm = (name: string): CsrfScope => ({
  issuer: `https://id.test/realms/${name}`,
  cookies: { path: `/realms/${name}`, secure: true },
  deriveKey: (purpose) => createHmac('sha256', `secret of ${name}`).update(purpose).digest(),
})
const ACME = realm('acme')

function request(headers: Record<string, string>): IncomingMessage {
  return Object.assign(new IncomingMessage(new Socket()), { headers })
}

/** What a browser has after it was shown a page. */
function visited(scope: CsrfScope, boundTo = 'interaction x') {
  const shown = request({})
  const response = new ServerResponse(shown)
  const token = csrfToken(shown, response, scope, boundTo)
  const line = String(response.getHeader('set-cookie'))
  return { token, line, cookie: line.split(';')[0] ?? '' }
}

describe('a form', () => {
  test('from a page of ours is let in', () => {
    const { token, cookie } = visited(ACME)
    checkCsrf(request({ cookie, ...OURS }), token, ACME, 'interaction x')
    const named = { cookie, 'sec-fetch-site': 'same-origin', origin: 'https://id.test' }
    checkCsrf(request(named), token, ACME, 'interaction x')
  })

  test('has a cookie for its own realm only, which no script and no other site uses', () => {
    const { line } = visited(ACME)
    assert.match(
      line,
      /^__Secure-rf_form=[\w-]{43}; Path=\/realms\/acme; HttpOnly; SameSite=Lax; Secure$/,
    )
  })

  const { token, cookie } = visited(ACME)
  const other = visited(ACME)
  for (const [what, headers, given] of [
    ['without a proof', { cookie, ...OURS }, undefined],
    ['with an empty proof', { cookie, ...OURS }, ''],
    ['without the cookie', OURS, token],
    ["with another browser's proof", { cookie, ...OURS }, other.token],
    ['with two cookies', { cookie: `${cookie}; ${other.cookie}`, ...OURS }, token],
    ['from another site', { cookie, 'sec-fetch-site': 'cross-site', origin: 'null' }, token],
    ['from a sibling of ours', { cookie, 'sec-fetch-site': 'same-site' }, token],
    ['typed in', { cookie, 'sec-fetch-site': 'none' }, token],
    ['of another origin', { cookie, origin: 'https://evil.example' }, token],
    [
      'of another origin that says it is ours',
      { cookie, origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
      token,
    ],
    ['of nobody knows where', { cookie }, token],
    ['of an origin that is hidden, and nothing else', { cookie, origin: 'null' }, token],
  ] as const) {
    test(`${what} is refused`, () => {
      assert.throws(() => checkCsrf(request(headers), given, ACME, 'interaction x'), REFUSED)
    })
  }

  test('bound to one thing is worth nothing for another', () => {
    assert.throws(
      () => checkCsrf(request({ cookie, ...OURS }), token, ACME, 'interaction y'),
      REFUSED,
    )
  })

  test("of one realm is worth nothing in another, with the same cookie's value", () => {
    assert.throws(
      () => checkCsrf(request({ cookie, ...OURS }), token, realm('beta'), 'interaction x'),
      REFUSED,
    )
  })

  test('with any other proof is refused, and never fails in another way', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (guess) => {
        fc.pre(guess !== token)
        assert.throws(
          () => checkCsrf(request({ cookie, ...OURS }), guess, ACME, 'interaction x'),
          REFUSED,
        )
      }),
    )
  })
})

test('a browser that has a cookie keeps it', () => {
  const { cookie } = visited(ACME)
  const response = new ServerResponse(request({}))
  csrfToken(request({ cookie }), response, ACME, 'anything')
  assert.equal(response.getHeader('set-cookie'), undefined)
})

test('a cookie is read only under the name that https gives it', () => {
  const value = 'a-value'
  assert.equal(readCookie(request({ cookie: `__Secure-rf_x=${value}` }), 'rf_x', ACME), value)
  assert.equal(readCookie(request({ cookie: `rf_x=${value}` }), 'rf_x', ACME), undefined)
  assert.equal(readCookie(request({ cookie: '__Secure-rf_x="<x>"' }), 'rf_x', ACME), undefined)
})
