import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Freshness } from './freshness.ts'

function clocks() {
  const at = { wall: 1_000_000_000, steady: 5_000 }
  return { at, freshness: new Freshness(() => ({ ...at })) }
}

test('what was never proven is infinitely old', () => {
  assert.equal(clocks().freshness.ageMs, Number.POSITIVE_INFINITY)
})

test('knowledge ages by whichever clock went further', () => {
  const { at, freshness } = clocks()
  freshness.proven(freshness.now())
  // The machine slept: its own clock went on.
  at.wall += 60_000
  assert.equal(freshness.ageMs, 60_000)
  // The machine's clock was set back by an hour.
  at.wall -= 3_600_000
  at.steady += 7_000
  assert.equal(freshness.ageMs, 7_000)
})

test('what comes from a disk is as old as it says, and from the future it is nothing', () => {
  const { at, freshness } = clocks()
  freshness.recalled(at.wall - 40_000)
  assert.equal(freshness.ageMs, 40_000)
  at.steady += 5_000
  at.wall += 5_000
  assert.equal(freshness.ageMs, 45_000)
  const future = clocks()
  future.freshness.recalled(future.at.wall + 60_000)
  assert.equal(future.freshness.ageMs, Number.POSITIVE_INFINITY)
})
