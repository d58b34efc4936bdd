import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import fc from 'fast-check'
import { Cursors } from './cursor.ts'

const cursors = new Cursors(randomBytes(32))
const refused = { code: 'invalid_argument' }

/** Reads a list of numbers page by page. */
function readAll(list: string, numbers: readonly number[], limit: number): number[] {
  const seen: number[] = []
  let cursor: string | undefined
  do {
    const page = { limit, ...(cursor === undefined ? {} : { cursor }) }
    const [after] = cursors.read(list, page) ?? []
    const rows = numbers
      .filter((one) => after === undefined || one > Number(after))
      .slice(0, limit + 1)
    const { items, next } = cursors.page(
      list,
      page,
      rows,
      (row) => [row],
      (row) => row,
    )
    seen.push(...items)
    cursor = next
  } while (cursor !== undefined)
  return seen
}

test('pages of any size show each item once, in order', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.nat(), { maxLength: 60 }),
      fc.integer({ min: 1, max: 70 }),
      (all, limit) => {
        const numbers = all.toSorted((one, other) => one - other)
        assert.deepEqual(readAll('numbers', numbers, limit), numbers)
      },
    ),
  )
})

function cursorOf(list: string): string {
  const page = { limit: 1 }
  const { next } = cursors.page(
    list,
    page,
    ['a', 'b'],
    (row) => [row],
    (row) => row,
  )
  return next ?? assert.fail('there is no next page')
}

test('a cursor of another list, filter or installation is refused', () => {
  const cursor = cursorOf('tenants [null]')
  assert.deepEqual(cursors.read('tenants [null]', { limit: 1, cursor }), ['a'])
  for (const list of ['tenants ["active"]', 'workflows [null]', 'history acme']) {
    assert.throws(() => cursors.read(list, { limit: 1, cursor }), refused)
  }
  const others = new Cursors(randomBytes(32))
  assert.throws(() => others.read('tenants [null]', { limit: 1, cursor }), refused)
})

test('a cursor that somebody made or changed is refused, whatever it is', () => {
  const real = cursorOf('tenants')
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String()), (cursor) => {
      assert.throws(() => cursors.read('tenants', { limit: 1, cursor }), refused)
    }),
  )
  fc.assert(
    fc.property(fc.nat(real.length - 1), fc.constantFrom('A', '.', '_', '%'), (at, letter) => {
      const changed = real.slice(0, at) + letter + real.slice(at + 1)
      // The last letter of base64url carries bits that no byte has: they may differ.
      if (changed === real || at === real.length - 1) return
      assert.throws(() => cursors.read('tenants', { limit: 1, cursor: changed }), refused)
    }),
  )
})

test('limits are 1 to 500', () => {
  for (const limit of [0, -1, 501, 1.5, Number.NaN]) {
    assert.throws(() => cursors.read('tenants', { limit }), refused)
  }
})
