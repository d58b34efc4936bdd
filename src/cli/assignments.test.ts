import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { assigned } from './assignments.ts'

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,8}$/)

test('what is put in is there, and what was beside it stays', () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, fc.integer(), { noNullPrototype: true }),
      fc.array(name, { minLength: 1, maxLength: 4 }),
      fc.oneof(fc.integer(), fc.boolean(), fc.stringMatching(/^[a-z]{3,8}x$/)),
      (document, path, value) => {
        const before = structuredClone(document)
        const after = assigned(document, [`${path.join('.')}=${value}`])
        const found = path.reduce<unknown>(
          (at, step) => (at as Record<string, unknown>)[step],
          after,
        )
        assert.equal(found, value)
        const { [path[0] ?? '']: _changed, ...others } = after
        const { [path[0] ?? '']: _was, ...same } = before
        assert.deepEqual(others, same)
        assert.deepEqual(document, before)
      },
    ),
  )
})

test('anything else is refused, and nothing reaches a prototype', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      try {
        assigned({}, [text])
      } catch (error) {
        assert.ok(error instanceof RingfenceError && error.code === 'invalid_argument', text)
      }
    }),
  )
  for (const text of ['__proto__.polluted=1', 'a.__proto__.polluted=1', 'a b=1', '.=1', 'a']) {
    assert.throws(() => assigned({}, [text]), { code: 'invalid_argument' }, text)
  }
  assigned({}, ['constructor.prototype.polluted=1'])
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})
