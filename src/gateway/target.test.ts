import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { looseTarget, parseTarget, splitTenant } from './target.ts'

const REFUSED = [
  '',
  '*',
  'x',
  'http://globex.example/t/acme/x',
  '//globex.example/x',
  '/t//x',
  '/t/acme//x',
  '/t/acme/../globex/x',
  '/t/acme/./x',
  '/t/acme/..',
  '/t/acme/..;/x',
  '/t/acme/%2e%2e/x',
  '/t/acme/%2E./x',
  '/t/acme/%252e%252e/x',
  '/t/acme%2fx',
  '/t/acme%2Fx',
  '/t/acme%252fx',
  '/t/acme/a%5cb',
  '/t/acme/a\\b',
  '/t/acme/%00',
  '/t/acme/%0d%0aX: y',
  '/t/acme/%7f',
  '/t/acme/%zz',
  '/t/acme/%',
  '/t/acme/x#y',
  '/t/acme/é',
  '/t/acme/ x',
  '/t/acme/x?a=é',
]
for (const target of REFUSED) {
  test(`the target ${JSON.stringify(target)} is refused`, () =>
    assert.equal(parseTarget(target), undefined))
}

test('ordinary targets are read as they are, encodings of plain letters are undone', () => {
  for (const [target, path, query] of [
    ['/', '/', ''],
    ['/t/acme', '/t/acme', ''],
    ['/t/acme/x?', '/t/acme/x', '?'],
    ['/t/%61cme/%7Ea?b=%2F..%2F//', '/t/acme/~a', '?b=%2F..%2F//'],
    ['/a/100%25/%C3%A9/.well-known/a..b/...', '/a/100%25/%C3%A9/.well-known/a..b/...', ''],
  ] as const) {
    assert.deepEqual(parseTarget(target), { path, query })
  }
})

test('the tenant of a path is one whole segment', () => {
  assert.deepEqual(splitTenant('/t/acme/a/b'), { name: 'acme', rest: '/a/b' })
  assert.deepEqual(splitTenant('/t/acme'), { name: 'acme', rest: '/' })
  assert.deepEqual(splitTenant('/t/'), { name: '', rest: '/' })
  for (const path of ['/', '/t', '/x/t/acme', '/T/acme/x']) {
    assert.deepEqual(splitTenant(path), { name: undefined, rest: path })
  }
})

const piece = fc.constantFrom(
  '/',
  't',
  'acme',
  'globex',
  '..',
  '.',
  '%2e',
  '%2f',
  '%25',
  '%',
  '\\',
  ';',
  '?',
  '#',
  'é',
  'a',
  '//',
  '%5C',
  '%00',
  '@',
  ':',
)
const target = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`)

test('what is accepted says the same to every reader', () => {
  fc.assert(
    fc.property(target, (text) => {
      const parsed = parseTarget(text)
      if (parsed === undefined) return
      // A browser's parser, which resolves whatever it can.
      assert.equal(new URL(`http://h${parsed.path}`).pathname, parsed.path)
      // A server that decodes before it splits finds the same segments.
      const decoded = decodeSafely(parsed.path)
      assert.equal(decoded.split('/').length, parsed.path.split('/').length)
      assert.ok(!decoded.split('/').some((segment) => segment === '..' || segment === '.'))
      assert.ok(!/[\\\0]/.test(decoded))
      // And one that decodes twice.
      const twice = decodeSafely(decoded)
      assert.equal(twice.split('/').length, parsed.path.split('/').length)
      assert.ok(!twice.split('/').includes('..'))
      assert.deepEqual(looseTarget(text), parsed)
    }),
    { numRuns: 3_000 },
  )
})

function decodeSafely(text: string): string {
  return text.replaceAll(/%([0-9a-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

test('no text makes the reader fail', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseTarget(text)
      splitTenant(looseTarget(text).path)
    }),
  )
})
