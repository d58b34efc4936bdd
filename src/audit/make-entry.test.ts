import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditEntrySchema } from './entry.ts'
import { makeEntry } from './make-entry.ts'

test('what a value is in an entry it is when the entry is read back', () => {
  const entry = makeEntry({
    category: 'decision',
    action: 'request.denied',
    actor: { kind: 'unknown', id: '-' },
    decision: 'denied',
    layer: 'check',
    detail: { zero: -0, never: new Date(Number.NaN), none: Number.NaN, list: [1n], deep: { a: 1 } },
  })
  auditEntrySchema.parse(entry)
  assert.deepEqual(JSON.parse(JSON.stringify(entry)), entry)
  assert.deepEqual(entry.detail, { zero: 0, never: '-', none: 'NaN', list: '-', deep: '{"a":1}' })
})
