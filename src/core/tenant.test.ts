import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import fc from 'fast-check'
import { RingfenceError } from './errors.ts'
import {
  parseCellName,
  parseRegion,
  parseTenantId,
  parseTier,
  TENANT_ID_LENGTH_MAX,
  TIERS,
} from './tenant.ts'

const isRefused = (value: unknown, parse: (value: unknown) => unknown, code: string): void => {
  assert.throws(
    () => parse(value),
    (error: unknown) => error instanceof RingfenceError && error.code === code,
    `${inspect(value)} was let in`,
  )
}

const LONGEST = 'x'.repeat(TENANT_ID_LENGTH_MAX)

const LEGAL = ['a', 't1', 't10', 't1-0', 'acme', 'select', 'public', 'postgres', 'admin', LONGEST]

/** Each would be confused with a legal id, or mean something, in some engine. */
const HOSTILE: Readonly<Record<string, readonly unknown[]>> = {
  'letter case': ['Acme', 'ACME', 'aCme'],
  'spaces and line ends': ['', ' ', ' acme', 'acme ', 'acme\n', 'ac me', 'acme\t', '\u00a0acme'],
  'hyphens in the wrong place': ['-acme', 'acme-', 'ac--me', '-', '--'],
  'a digit first': ['1', '10', '1acme', '0x41'],
  'look-alikes': ['аcme', 'acmе', 'ɑcme', 'ａcme', 'acme１', '𝐚cme', 'acmе'],
  'normalisation pairs': ['caf\u00e9', 'cafe\u0301', '\u212bcme', 'ﬁn', 'stra\u00dfe'],
  'invisible characters': ['ac\u200bme', 'acme\u00ad', '\ufeffacme', 'ac\u202eme', 'acme\u0000'],
  quotes: ["o'brien", '"acme"', 'a`b', "a''b", '$$a$$'],
  SQL: ['a;b', "a'--", 'a/*b*/', 'a)b', 'a||b', 'a=b', 'a,b', 'a:b', '$1'],
  'SQL patterns': ['a_b', 'a%b', '%', '_'],
  globs: ['*', 'a*', 'a?', '[a]', '{a,b}', '!a', '~'],
  paths: ['..', '.', 'a/b', '../a', 'a\\b', '/a', 'a.b', '%2e%2e', 'a%2fb', 'a\0b'],
  'too long': [`${LONGEST}x`, 'a'.repeat(63), 'a'.repeat(64), 'a'.repeat(100_000)],
  'other types': [undefined, null, 0, 1, true, {}, [], ['acme'], Symbol('acme'), 1n],
  'things that turn into text': [{ toString: () => 'acme' }, Object('acme'), [['acme']]],
}

for (const id of LEGAL) {
  test(`${id} is a tenant id`, () => assert.equal(parseTenantId(id), id))
}

for (const [kind, values] of Object.entries(HOSTILE)) {
  test(`no tenant id has ${kind}`, () => {
    for (const value of values) isRefused(value, parseTenantId, 'invalid_tenant_id')
  })
}

test('a refusal does not repeat what was refused', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 3, unit: 'binary' }), (text) => {
      try {
        parseTenantId(`\u0001${text}`)
      } catch (error) {
        assert.ok(error instanceof RingfenceError)
        assert.ok(!`${error.message}${error.detail}`.includes(`\u0001${text}`))
      }
    }),
  )
})

test('whatever is let in is an ASCII label that survives every engine unchanged', () => {
  const anything = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.stringMatching(/^[a-z0-9-]{1,45}$/),
    fc.anything(),
  )
  fc.assert(
    fc.property(anything, (value) => {
      let id: string
      try {
        id = parseTenantId(value)
      } catch (error) {
        assert.ok(error instanceof RingfenceError && error.code === 'invalid_tenant_id')
        return
      }
      assert.equal(id, value)
      assert.match(id, /^[a-z0-9-]+$/)
      assert.ok(id.length <= TENANT_ID_LENGTH_MAX)
      assert.equal(Buffer.byteLength(id), id.length)
      assert.equal(id.normalize('NFKC').toLowerCase().trim(), id)
      assert.equal(encodeURIComponent(id), id)
    }),
    { numRuns: 2000 },
  )
})

test('every label of letters, digits and single inner hyphens is let in', () => {
  const label = fc
    .stringMatching(/^[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,3}$/)
    .filter((text) => text.length <= TENANT_ID_LENGTH_MAX)
  fc.assert(fc.property(label, (text) => assert.equal(parseTenantId(text), text)))
})

test('regions and cells are labels of the same kind', () => {
  assert.equal(parseRegion('eu-west'), 'eu-west')
  assert.equal(parseCellName('eu-west-1'), 'eu-west-1')
  for (const values of Object.values(HOSTILE)) {
    for (const value of values) {
      isRefused(value, parseRegion, 'invalid_argument')
      isRefused(value, parseCellName, 'invalid_argument')
    }
  }
})

test('a tier is one of three words', () => {
  for (const tier of TIERS) assert.equal(parseTier(tier), tier)
  for (const value of ['', 'Pooled', 'silo ', 'toString', '__proto__', 0, undefined, ['silo']]) {
    isRefused(value, parseTier, 'invalid_argument')
  }
})
