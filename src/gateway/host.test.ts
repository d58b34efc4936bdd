import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { looseHost, parseHost } from './host.ts'

test('a host is read without case, port and the last dot', () => {
  for (const [value, host] of [
    ['acme.example', 'acme.example'],
    ['ACME.Example', 'acme.example'],
    ['acme.example:8443', 'acme.example'],
    ['acme.example.', 'acme.example'],
    ['acme.example.:80', 'acme.example'],
    ['xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]:80', '[::1]'],
  ] as const) {
    assert.equal(parseHost(value), host)
  }
})

for (const value of [
  '',
  '.',
  ':80',
  'acme.example..',
  '.acme.example',
  'acme..example',
  'acme.example:',
  'acme.example:80:80',
  'acme.example:080000',
  'acme.example:x',
  'user@acme.example',
  'acme.example@evil.example',
  'acme.example, evil.example',
  'acme.example evil.example',
  'acme.example/x',
  'acme.example#',
  'acme_1.example',
  'acme。example',
  'ａcme.example',
  'аcme.example',
  'acme%2eexample',
  'http://acme.example',
  '[::1',
  '[acme]',
  'a'.repeat(300),
]) {
  test(`the host ${JSON.stringify(value.slice(0, 40))} is refused`, () =>
    assert.equal(parseHost(value), undefined))
}

test('what is accepted is a name, and read twice it is the same', () => {
  const piece = fc.constantFrom(
    'acme',
    'A',
    '.',
    ':',
    '80',
    '@',
    '[',
    ']',
    '-',
    '_',
    ' ',
    ',',
    'é',
    '%',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const text = pieces.join('')
      const host = parseHost(text)
      if (host === undefined) return
      assert.match(host, /^[a-z0-9.[\]:-]+$/)
      assert.equal(parseHost(host), host)
      // The checks and the routing read the same host.
      assert.equal(looseHost(text), host)
    }),
    { numRuns: 3_000 },
  )
})
