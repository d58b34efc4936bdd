import { after, before, test } from 'node:test'
import { MOVE_STEPS } from '../../src/boundaries/postgres/move/move-steps.ts'
import {
  startTestSite,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killMove } from './move-crash.test-support.ts'

let place: TestSite

before(async () => {
  place = await startTestSite({ bridges: true })
})
after(() => place?.stop())

// Both directions between them: what is left of a half-made place is a database in the one, rows in the other.
for (const [index, step] of MOVE_STEPS.entries()) {
  const [from, to] =
    index % 2 === 0 ? (['pooled', 'bridge'] as const) : (['bridge', 'pooled'] as const)
  test(`killed when a move from ${from} to ${to} is at: ${step}`, async () => {
    await killMove(place, { from, to, step })
  })
}

test('killed while a move is given up', async () => {
  await killMove(place, {
    from: 'bridge',
    to: 'pooled',
    step: 'dropped',
    point: 'giving up a move',
  })
})

test('killed at any moment of a move, four times over', async () => {
  for (let round = 0; round < 4; round += 1) {
    await killMove(place, { from: 'pooled', to: 'bridge', laterMs: 200 + Math.random() * 1200 })
  }
})
