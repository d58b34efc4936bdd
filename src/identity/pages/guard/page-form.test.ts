import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { parsePageForm } from './page-form.ts'

const REFUSED = { code: 'invalid_argument' }

describe('a form of a page', () => {
  test('comes back as it was typed, in any script', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_-]{0,20}$/)
    const value = fc
      .string({ unit: 'grapheme', maxLength: 40 })
      .filter((text) => !/\p{Cc}/u.test(text))
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 20 }), (fields) => {
        const form = parsePageForm(new URLSearchParams(Object.entries(fields)).toString())
        for (const [key, typed] of Object.entries(fields)) {
          assert.equal(form.get(key), typed === '' ? undefined : typed)
        }
      }),
    )
  })

  for (const [what, text] of [
    ['a field twice', 'name=a&name=b'],
    ['a field twice, spelled differently', 'name=a&n%61me=b'],
    ['a zero byte', 'name=%00'],
    ['a line break', 'name=a%0Ab'],
    ['bytes that are no UTF-8', 'name=%ff'],
    ['a field without a name', '=a'],
    ['a field with a name of no field', '__proto__=a'],
    ['too many fields', Array.from({ length: 31 }, (_, n) => `a${n}=1`).join('&')],
  ] as const) {
    test(`with ${what} is refused`, () => assert.throws(() => parsePageForm(text), REFUSED))
  }

  test('that is anything else is refused or read, and what was typed is not repeated', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
        try {
          parsePageForm(`planted-77=${text}`)
        } catch (error) {
          assert.equal((error as { code?: unknown }).code, 'invalid_argument')
          assert.doesNotMatch((error as Error).message, /planted/)
        }
      }),
    )
  })
})
