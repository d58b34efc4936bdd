import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { assetHeaders, formTarget, pageHeaders } from './headers.ts'

const csp = (needs?: Parameters<typeof pageHeaders>[0]) =>
  pageHeaders(needs)['content-security-policy'] ?? ''

describe('a page', () => {
  test('fetches nothing that is not ours, runs nothing, and is framed by nobody', () => {
    assert.equal(
      csp(),
      "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    )
    assert.doesNotMatch(csp({ script: true }), /unsafe|\*|data:|https?:/)
  })

  test('runs our script only where one is needed', () => {
    assert.doesNotMatch(csp(), /script-src/)
    assert.match(csp({ script: true }), /script-src 'self';/)
  })

  test('tells nobody where its visitor was, and is kept by no cache', () => {
    const headers = pageHeaders()
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-store')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-opener-policy'], 'same-origin')
    assert.match(headers['permissions-policy'] ?? '', /camera=\(\)/)
  })
})

test('a file of a page can do nothing when it is opened by itself', () => {
  assert.match(
    assetHeaders('image/png')['content-security-policy'] ?? '',
    /default-src 'none'.*sandbox/,
  )
})

describe('where a form may end', () => {
  for (const [uri, target] of [
    ['https://app.example/cb?x=1', 'https://app.example'],
    ['http://127.0.0.1:8080/cb', 'http://127.0.0.1:8080'],
    ['http://[::1]:8080/cb', 'http:'],
    ['com.example.app:/cb', 'com.example.app:'],
  ] as const) {
    test(`${uri} is ${target}`, () => assert.equal(formTarget(uri), target))
  }

  for (const uri of [undefined, '', 'no address', 'javascript:alert(1)', 'data:text/html,x']) {
    test(`${uri} is nowhere`, () => assert.equal(formTarget(uri), undefined))
  }

  test('adds no directive of its own to the policy', () => {
    const target = formTarget("https://app.example;script-src 'unsafe-inline'/cb")
    assert.equal(target, undefined)
    assert.doesNotMatch(formTarget('https://app.example/;script-src%20*') ?? '', /;| /)
  })
})
