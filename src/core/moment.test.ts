import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { elapsedMs, momentAt } from './moment.ts'

const ms = fc.integer({ min: 0, max: 10_000_000 })

test('however the wall’s clock is set, and however long a machine sleeps, no more time is left than there is', () => {
  fc.assert(
    fc.property(
      ms,
      ms,
      fc.integer({ min: -10_000_000, max: 10_000_000 }),
      (awake, asleep, step) => {
        const since = { wall: 1_000_000_000, steady: 5_000 }
        const now = { wall: since.wall + awake + asleep + step, steady: since.steady + awake }
        const elapsed = elapsedMs(since, now)
        assert.ok(elapsed >= awake)
        if (step >= 0) assert.ok(elapsed >= awake + asleep)
      },
    ),
  )
})

test('a moment of which only the wall’s time is known is as long ago as that says, and never ahead', () => {
  const now = { wall: 1_000_000_000, steady: 5_000 }
  assert.equal(elapsedMs(momentAt(now.wall - 700, now), now), 700)
  assert.equal(elapsedMs(momentAt(now.wall + 700, now), now), 0)
})
