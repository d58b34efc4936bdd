import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { LinearPattern } from './linear-pattern.ts'
import { withinWork } from './work.ts'

const PLENTY = 100_000_000
const finds = (pattern: LinearPattern, text: string) => withinWork(PLENTY, () => pattern.test(text))

const atom = fc.constantFrom(
  ...[
    'a',
    'b',
    '.',
    '[ab]',
    '[^a]',
    '\\d',
    '\\w',
    '\\s',
    '\\.',
    '[\\]x]',
    '^',
    '$',
    '\\u0061',
    'é',
  ],
)
const pattern = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    atom,
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => a + b),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(?:${a}|${b})`),
    fc
      .tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{2,}', '*?'))
      .map(([a, quantifier]) => `(${a})${quantifier}`),
  ),
})).node

test('a pattern finds what the engine finds', () => {
  fc.assert(
    fc.property(
      pattern,
      fc.string({
        unit: fc.constantFrom('a', 'b', '1', ' ', '.', 'x', ']', 'é', '\n', '😀'),
        maxLength: 12,
      }),
      (source, text) => {
        assert.equal(finds(new LinearPattern(source), text), new RegExp(source, 'u').test(text))
      },
    ),
    { numRuns: 1_000 },
  )
})

test('patterns that people write are taken', () => {
  for (const [source, good, bad] of [
    ['^[a-z][a-z0-9-]{0,39}$', 'acme-1', '1acme'],
    ['^(?<year>\\d{4})-(\\d\\d)$', '2026-01', '2026-1'],
    ['^\\p{Lu}\\p{L}*$', 'Éva', 'éva'],
    ['^#[0-9a-fA-F]{6}$', '#00ffAA', '#00ffAG'],
    ['^\\S+@\\S+\\.\\S+$', 'a@b.c', 'a@b'],
    ['^a/b$', 'a/b', 'a-b'],
    ['^[\\w\\-]+$', 'a-b', 'a b'],
  ] as const) {
    assert.equal(finds(new LinearPattern(source), good), true, source)
    assert.equal(finds(new LinearPattern(source), bad), false, source)
  }
})

test('a pattern that takes others exponential time costs steps in proportion to the text', () => {
  for (const source of [
    '^(a+)+$',
    '^(a|a)*$',
    '^(a|aa)+$',
    '(.*)(.*)(.*)b$',
    '^(([a-z])+.)+[A-Z]$',
  ]) {
    const pattern = new LinearPattern(source)
    const text = `${'a'.repeat(5_000)}!`
    assert.equal(
      withinWork(200_000, () => pattern.test(text)),
      false,
      source,
    )
  }
})

test('what cannot be followed in linear time is refused, and what is no pattern', () => {
  for (const source of [
    '(a)\\1',
    '(?=a)',
    '(?!a)b',
    '(?<=a)b',
    '(?<x>a)\\k<x>',
    '\\ba',
    '(',
    '[z-a]',
    'a**',
    'x'.repeat(2_000),
    '(a{999}){999}',
  ]) {
    assert.throws(() => new LinearPattern(source), { code: 'invalid_manifest' }, source)
  }
})
