import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { GROUP_SCHEMA } from '../schema/group-schema.ts'
import { USER_SCHEMA } from '../schema/user-schema.ts'
import { ScimError } from '../scim-error.ts'
import { filterText, filterTree } from './filter-model.test-support.ts'
import { FILTER_LENGTH_MAX, parseFilter } from './parse-filter.ts'

const REFUSED = (error: unknown) => {
  assert.ok(error instanceof ScimError, String(error))
  assert.equal(error.scimType, 'invalidFilter')
  return true
}

test('any text is a filter or is refused as one', () => {
  const words = fc.constantFrom(
    ...'userName emails members.value name meta.created active __proto__ constructor toString'.split(
      ' ',
    ),
    ...'eq ne co sw ew gt ge lt le pr and or not ( ) [ ] ]. . : "a" "\\"" "\\\\" "\\u0000" 1 -1 true null'.split(
      ' ',
    ),
    'urn:ietf:params:scim:schemas:core:2.0:User:userName',
    '"',
    '\\',
    ' ',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.array(words, { maxLength: 14 }).map((all) => all.join(' ')),
    fc.array(words, { maxLength: 14 }).map((all) => all.join('')),
  )
  fc.assert(
    fc.property(text, fc.constantFrom(USER_SCHEMA, GROUP_SCHEMA), (filter, schema) => {
      try {
        parseFilter(schema, filter)
      } catch (error) {
        REFUSED(error)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('every filter of the grammar is read', () => {
  fc.assert(
    fc.property(filterTree, (tree) => {
      parseFilter(USER_SCHEMA, filterText(tree))
    }),
  )
})

test('a string holds what JSON says that it holds', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~äß€😀]{0,40}$/u), (value) => {
      const filter = parseFilter(USER_SCHEMA, `displayName eq ${JSON.stringify(value)}`)
      assert.equal(filter.kind === 'compare' && filter.value, value)
    }),
  )
  const escaped = parseFilter(USER_SCHEMA, String.raw`displayName eq "\u0041\/\\\""`)
  assert.equal(escaped.kind === 'compare' && escaped.value, 'A/\\"')
})

test('and binds closer than or, and not closest', () => {
  const filter = parseFilter(
    USER_SCHEMA,
    'userName pr or not (active eq true) and title0 pr'.replace('title0', 'id'),
  )
  assert.equal(filter.kind, 'or')
  const [, second] = filter.kind === 'or' ? filter.of : []
  assert.equal(second?.kind, 'and')
  assert.equal(second?.kind === 'and' && second.of[0]?.kind, 'not')
})

for (const [what, text] of [
  ['nothing', ''],
  ['an attribute alone', 'userName'],
  ['an attribute that there is not', 'tenant eq "blue"'],
  ['an attribute that is not kept', 'title eq "Dr"'],
  ['the password', 'password eq "x"'],
  ['an attribute of every object', 'constructor pr'],
  ['a part that there is not', 'name.constructor pr'],
  ['a third step', 'name.givenName.length gt "1"'],
  ['an extension', 'urn:example:2.0:User:badge eq "1"'],
  ['the schema of groups', 'urn:ietf:params:scim:schemas:core:2.0:Group:displayName eq "x"'],
  ['an operator that there is not', 'userName like "x%"'],
  ['a method as an operator', 'userName pr constructor userName pr'],
  ['a string that does not end', 'userName eq "x'],
  ['single quotes', "userName eq 'x'"],
  ['SQL', `userName eq "x" or 1=1 --`],
  ['a zero character', String.raw`userName eq "a\u0000"`],
  ['half a character', String.raw`userName eq "\ud800"`],
  ['a line break', 'userName eq "a\nb"'],
  ['a number for a name', 'userName eq 7'],
  ['an order of truths', 'active gt false'],
  ['part of a truth', 'active co "ru"'],
  ['part of a moment', 'meta.created sw "2026"'],
  ['a moment that is none', 'meta.created gt "yesterday"'],
  ['a whole name', 'name eq "x"'],
  ['elements of what has none', 'name[givenName eq "x"]'],
  ['elements inside elements', 'emails[value[type pr]]'],
  ['a value that is too long', `userName eq "${'x'.repeat(501)}"`],
  ['too many parts', Array(61).fill('id pr').join(' or ')],
  ['too much depth', `${'('.repeat(11)}id pr${')'.repeat(11)}`],
  ['too many characters', `userName eq "x"${' '.repeat(FILTER_LENGTH_MAX)}`],
  ['a closed bracket too many', 'id pr)'],
] as const) {
  test(`a filter with ${what} is refused`, () => {
    assert.throws(() => parseFilter(USER_SCHEMA, text), REFUSED)
  })
}

test('deep brackets inside a string are only characters', () => {
  parseFilter(USER_SCHEMA, `userName eq "${'(['.repeat(50)}"`)
})

test('a refusal repeats nothing of the filter', () => {
  const secret = 'planted-secret-79'
  for (const text of [`${secret} pr`, `userName eq "${secret}`, `userName ${secret} "x"`]) {
    assert.throws(
      () => parseFilter(USER_SCHEMA, text),
      (error: Error) => !error.message.includes(secret),
    )
  }
})
