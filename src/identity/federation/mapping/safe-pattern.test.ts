import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { INPUT_CHARACTERS_MAX, parseSafePattern } from './safe-pattern.ts'

describe('a pattern', () => {
  for (const [pattern, value, captured] of [
    ['([^@]+)@acme\\.example', 'ann@acme.example', 'ann'],
    ['^([^@]+)@acme\\.example$', 'ann@acme.example', 'ann'],
    ['([^@]+)@acme\\.example', 'ann@acme.example.evil', undefined],
    ['([^@]+)@acme\\.example', 'ann@acmeXexample', undefined],
    ['CN=([^,]+),.*', 'CN=Doctors,OU=Groups', 'Doctors'],
    ['([a-z]{2})-\\d{1,4}', 'de-12', 'de'],
    ['x?(a)', 'a', 'a'],
    ['(.*)', '', ''],
    ['([A-Z\\]]+)', 'A]', 'A]'],
  ] as const) {
    test(`${pattern} keeps ${captured} of ${value}`, () => {
      assert.equal(parseSafePattern(pattern).capture(value), captured)
    })
  }

  for (const pattern of [
    'abc',
    '(a)(b)',
    '((a))',
    '(a',
    'a)',
    '(a)+',
    '(a)*',
    '(a){2}',
    '(a+)+',
    '(a|b)',
    '(?:a)',
    '(?=a)b',
    '(?<n>a)',
    '(a)\\1',
    '(a++)',
    '(a{1,99})',
    '(a*b*c*)',
    'a?a?a?a?a?(a)',
    '(\\p{L})',
    '([a-])\\',
    '([z-a])',
    `(${'a'.repeat(300)})`,
    '',
  ]) {
    test(`${pattern.slice(0, 40)} is refused`, () => {
      assert.throws(() => parseSafePattern(pattern), { code: 'invalid_argument' })
    })
  }

  test('of any text is refused or is safe: it never fails in another way', () => {
    const piece = fc.constantFrom(
      'a',
      '.',
      '\\d',
      '[^@]',
      '(',
      ')',
      '+',
      '*',
      '?',
      '{2}',
      '|',
      '\\',
      '$',
    )
    const text = fc.array(piece, { maxLength: 12 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(text, fc.string({ maxLength: 300 }), (pattern, value) => {
        try {
          const captured = parseSafePattern(pattern).capture(value)
          assert.ok(captured === undefined || value.includes(captured))
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'invalid_argument')
        }
      }),
    )
  })

  test('does not look at values that are too long', () => {
    const longest = 'a'.repeat(INPUT_CHARACTERS_MAX)
    assert.equal(parseSafePattern('(a+)').capture(longest), longest)
    assert.equal(parseSafePattern('(a+)').capture(`${longest}a`), undefined)
  })
})
