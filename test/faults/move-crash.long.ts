import { after, before, test } from 'node:test'
import { MOVE_STEPS } from '../../src/boundaries/postgres/move/move-steps.ts'
import {
  startTestSite,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'
import { killMove } from './move-crash.test-support.ts'

const DIRECTIONS = [
  ['pooled', 'bridge'],
  ['bridge', 'pooled'],
  ['pooled', 'silo'],
  ['silo', 'pooled'],
  ['bridge', 'silo'],
  ['silo', 'bridge'],
] as const
/** A move takes about as long, with a silo three times. */
const LATEST_MS = 1500

let place: TestSite

before(async () => {
  place = await startTestSite({ bridges: true })
})
after(() => place?.stop())

for (const [from, to] of DIRECTIONS) {
  for (const step of MOVE_STEPS) {
    test(`killed when a move from ${from} to ${to} is at: ${step}`, async () => {
      await killMove(place, { from, to, step })
    })
  }
  test(`killed at any moment of a move from ${from} to ${to}, twenty times over`, async () => {
    const latest = [from, to].includes('silo') ? LATEST_MS * 3 : LATEST_MS
    for (let round = 0; round < 20; round += 1) {
      await killMove(place, { from, to, laterMs: Math.random() * latest })
    }
  })
}
