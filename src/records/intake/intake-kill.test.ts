import { test } from 'node:test'
import { killAtRandom } from './intake-kill.test-support.ts'

test('whatever is killed, and whenever, each entry that was promised is in its log, and once', (t) =>
  killAtRandom(t, { rounds: 3, written: 100 }))
