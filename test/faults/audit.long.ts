import { test } from 'node:test'
import { killAtRandom } from '../../src/records/intake/intake-kill.test-support.ts'

test('killed two hundred times at random, who writes and who takes entries lose and double none', (t) =>
  killAtRandom(t, { rounds: 200, written: 50 }))
