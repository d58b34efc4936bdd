import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Value } from './cedar/value.ts'
import { OverlaidFields } from './overlaid-fields.ts'

class Fields extends OverlaidFields {
  readonly #own: ReadonlyMap<string, Value | undefined>

  constructor(kept: ReadonlyMap<string, Value>, own: ReadonlyMap<string, Value | undefined>) {
    super(kept)
    this.#own = own
  }

  protected get names(): readonly string[] {
    return [...this.#own.keys()]
  }

  protected make(name: string): Value | undefined {
    return this.#own.get(name)
  }
}

const name = fc.constantFrom('time', 'method', 'address', 'mfa', 'acr')

test('a field is the same, whether it is asked for or all are looked through', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, fc.integer())),
      fc.array(fc.tuple(name, fc.option(fc.integer(), { nil: undefined }))),
      (kept, own) => {
        const fields = new Fields(new Map(kept), new Map(own))
        const expected = new Map<string, Value>(kept)
        for (const [field, value] of new Map(own)) {
          if (value === undefined) expected.delete(field)
          else expected.set(field, value)
        }
        for (const field of ['time', 'method', 'address', 'mfa', 'acr', 'none']) {
          assert.equal(fields.get(field), expected.get(field))
          assert.equal(fields.has(field), expected.has(field))
        }
        assert.deepEqual(new Map(fields), expected)
        assert.deepEqual([...fields.keys()], [...expected.keys()])
        assert.deepEqual([...fields.values()], [...expected.values()])
        assert.equal(fields.size, expected.size)
        const seen = new Map<string, Value>()
        fields.forEach((value, field) => seen.set(field, value))
        assert.deepEqual(seen, expected)
      },
    ),
    { numRuns: 200 },
  )
})

test('what a request does not say is not taken from what is kept', () => {
  const fields = new Fields(new Map([['address', 'kept']]), new Map([['address', undefined]]))
  assert.equal(fields.get('address'), undefined)
  assert.equal(new Map(fields).has('address'), false)
})
