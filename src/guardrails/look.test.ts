import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PII_KINDS } from '../contracts/guardrail.ts'
import { labelOf } from './labels.ts'
import { look, replaced, replacements } from './look.ts'
import { TopicBook } from './topics.ts'

const NOTHING = new TopicBook([])
const everything = { kinds: PII_KINDS, topics: NOTHING }
const whats = (text: string, key = '') =>
  look(text, everything, labelOf(key)).map(
    ({ what, start, end }) => `${what} ${text.slice(start, end)}`,
  )

test('the name of a field says what is in it', () => {
  for (const [key, text, expected] of [
    ['ssn', '123456789', 'ssn 123456789'],
    ['socialSecurityNumber', '123 45 6789', 'ssn 123 45 6789'],
    ['patient_mrn', '00123456', 'mrn 00123456'],
    ['dateOfBirth', '19800312', 'birth-date 19800312'],
    ['DOB', '1980-03-12T00:00:00Z', 'birth-date 1980-03-12'],
    ['mobilePhone', '0171 5550123', 'phone 0171 5550123'],
    ['first-name', 'thandeka', 'name thandeka'],
    ['npi', '1234567893', 'npi 1234567893'],
  ] as const) {
    assert.deepEqual(whats(text, key), [expected], key)
    assert.deepEqual(whats(text, 'other'), [], text)
  }
})

test('disguises of what people read alike are seen through', () => {
  for (const text of [
    'ssn １２３-４５-６７８９',
    'ssn ١٢٣-٤٥-٦٧٨٩',
    'ssn 𝟭𝟮𝟯-𝟰𝟱-𝟲𝟳𝟴𝟵',
    'ssn ①②③-④⑤-⑥⑦⑧⑨',
    'ssn 123\u201045\u20116789',
    'ssn 123\u221245\u22126789',
    'ssn 1\u200b2\u200c3\u200d-\u206045-67\ufeff89',
    'ssn 1\u03362\u03363\u0336-4\u03365\u0336-6\u03367\u03368\u03369\u0336',
    'ssn 123\u00a045\u00a06789',
    'ssn 123   45 \t\n 6789',
    'ssn \\u0031\\u0032\\u0033-45-6789',
    'ssn %31%32%33%2d45%2d6789',
    'ssn &#49;&#50;&#x33;-45-6789',
  ]) {
    assert.equal(whats(text).length, 1, text)
    assert.match(whats(text)[0] ?? '', /^ssn /)
  }
})

test('what a disguise hides from one reader is seen by the other', () => {
  assert.deepEqual(whats('card %4111111111111111'), ['card 4111111111111111'])
})

test('what overlaps is replaced once', () => {
  const actions = new Map([
    ['email', 'redact'],
    ['ssn', 'redact'],
    ['name', 'flag'],
  ] as const)
  const text = 'x 123-45-6789@example.com y'
  assert.equal(replaced(text, replacements(look(text, everything), actions)), 'x [email] y')
})

test('words of topics are found whole, whatever their case, accents, spaces and look-alike letters', () => {
  const topics = new TopicBook([
    { name: 'topic:weapons', words: ['Atom bomb', 'nerve agent', 'naïve'] },
    { name: 'topic:other', words: ['爆弾', 'bomb'] },
  ])
  const found = (text: string) => look(text, { kinds: [], topics }).map(({ what }) => what)
  for (const text of [
    'an ATOM BOMB',
    'atom-bomb',
    'atom   \n bomb',
    'аtom bömb',
    'a\u200btom bo\u00admb',
    'ａｔｏｍ ｂｏｍｂ',
  ]) {
    assert.deepEqual(found(text).sort(), ['topic:other', 'topic:weapons'], text)
  }
  assert.deepEqual(found('naive'), ['topic:weapons'])
  assert.deepEqual(found('これは爆弾です'), ['topic:other'])
  for (const text of [
    'atombomb',
    'bombast',
    'atom. a bomb'.replace('bomb', 'bombs'),
    'agent nerve',
    'nerve other agent',
  ]) {
    assert.deepEqual(found(text), [], text)
  }
})

test('no text takes longer than in proportion to its length', () => {
  // Quadratic, a mebibyte would take hours: nothing here is timed, it only must end.
  const units = [
    '1',
    '1 ',
    '1-',
    '12-',
    'a',
    'A',
    'Aa ',
    'Aa-',
    '@',
    'a@',
    'a.',
    '+1',
    '(',
    'DE12',
    'DE12 ',
    'mrn ',
    'mrn:',
    'patient ',
    'born ',
    '12.',
    '1/1/',
    '12 March ',
    '\\u0031',
    '%31',
    '&#49;',
    '\u200b',
    '１',
    'Dr. ',
    'Ada ',
    'Maria Garcia, ',
    '4111 ',
    '4111-',
    'NPI 1',
    '. ',
    '\u0301',
    'Van de ',
  ]
  const topics = new TopicBook([
    { name: 'topic:x', words: ['ada ada ada ada ada ada x', 'a a a a a y', '1 1 1 1 z'] },
  ])
  for (const unit of units) {
    look(unit.repeat(Math.ceil(50_000 / unit.length)), { kinds: PII_KINDS, topics })
  }
})
