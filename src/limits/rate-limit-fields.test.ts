import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { rateLimitFields, retryAfter } from './rate-limit-fields.ts'

test('limits are told as structured fields, with whole seconds that are not too few', () => {
  const taken = { allowed: true, remaining: 7, resetMs: 1_001, waitMs: 0 }
  const daily = { ...taken, remaining: Number.MAX_SAFE_INTEGER, resetMs: 0 }
  assert.deepEqual(
    rateLimitFields([
      { policy: '"standard";q=100;w=60', label: 'standard', taken },
      { policy: '"plan/daily";q=5;w=86400;qu="content-bytes"', label: 'plan/daily', taken: daily },
    ]),
    [
      ['ratelimit-policy', '"standard";q=100;w=60, "plan/daily";q=5;w=86400;qu="content-bytes"'],
      ['ratelimit', '"standard";r=7;t=2, "plan/daily";r=999999999999999;t=0'],
    ],
  )
  assert.deepEqual(rateLimitFields([]), [])
})

test('nobody is told to come too early, nor much too late, nor all at the same moment', () => {
  const waits = fc.integer({ min: 0, max: 40 * 86_400_000 })
  const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(waits, random, (waitMs, at) => {
      const seconds = retryAfter(waitMs, at)
      assert.ok(Number.isInteger(seconds) && seconds >= 1)
      assert.ok(seconds * 1000 >= waitMs)
      assert.ok(seconds <= Math.max(1, Math.ceil(waitMs / 1000)) + 31)
    }),
  )
  const said = new Set([0, 0.3, 0.6, 0.9].map((at) => retryAfter(20_000, at)))
  assert.ok(said.size > 2)
})
