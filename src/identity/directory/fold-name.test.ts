import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../../core/errors.ts'
import { foldEmail, foldedOrNothing, foldName } from './fold-name.ts'

test('spellings of one name are one name', () => {
  for (const same of ['Ana', 'ana', 'ANA', 'ａｎａ', 'ANa']) assert.equal(foldName(same), 'ana')
  assert.equal(foldName('ﬁona'), 'fiona')
  assert.equal(foldName('Zoe\u0301'), foldName('zoé'))
  assert.equal(foldName('\u212aim'), 'kim', 'the Kelvin sign is a K')
})

test('letters that are others stay others', () => {
  assert.notEqual(foldName('аdmin'), foldName('admin'), 'a Cyrillic a')
  assert.notEqual(foldName('adm\u0131n'), foldName('admin'), 'a dotless i')
})

test('a name with anything that cannot be seen is refused', () => {
  const hidden = ['\u200b', '\u200d', '\u00ad', '\ufeff', '\u202e', '\u0000', '\n', '\t', '\u00a0']
  const more = ['\u3000', '\u3164', '\ufe0f', '\u2028', '\ue000', '\u115f', '\ud800']
  for (const character of [...hidden, ...more]) {
    const code = character.charCodeAt(0).toString(16)
    assert.throws(() => foldName(`ad${character}min`), RingfenceError, code)
  }
  for (const loose of ['', ' ana', 'ana ', 'a  na', 'a'.repeat(201)]) {
    assert.equal(foldedOrNothing(loose), undefined)
  }
  assert.equal(foldName('Ana Maria'), 'ana maria')
})

test('folding what is folded changes nothing, and any text folds or is refused', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
      const folded = foldedOrNothing(text)
      if (folded !== undefined) assert.equal(foldName(folded), folded)
    }),
    { numRuns: 500 },
  )
})

test('only plain addresses are addresses', () => {
  assert.equal(foldEmail("Ana.O'Neil+x@Acme.Example"), "ana.o'neil+x@acme.example")
  const not = [
    'a',
    'a@b',
    '@acme.example',
    'a@@acme.example',
    'a b@acme.example',
    'a@acme..example',
  ]
  const hostile = ['a@acme.example\nBcc: b@x.example', 'a@x.example,b@y.example', '<a@x.example>']
  const odd = ['ä@acme.example', 'a@äcme.example', 'a@-acme.example', `${'a'.repeat(65)}@x.example`]
  for (const text of [...not, ...hostile, ...odd, 'a.@x.example', '.a@x.example']) {
    assert.throws(() => foldEmail(text), RingfenceError, text)
  }
})
