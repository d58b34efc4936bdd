import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AlertSignalInput } from '../alerts/alert.ts'
import { RingfenceError } from '../core/errors.ts'
import { ForkedLogs } from './forked-logs.ts'

test('a log that does not go on from what it signed is the platform’s alert, once a minute while it lasts', async () => {
  const said: AlertSignalInput[] = []
  const log: string[] = []
  let now = Date.UTC(2026, 0, 1)
  let isFull = false
  const forked = new ForkedLogs({ now: () => now, log: (line) => log.push(line) })
  const fork = new RingfenceError('conflict', 'the log tenant/acme does not go on')
  forked.failed(fork)
  forked.tell({
    signal: async (signal) => {
      if (isFull) throw new RingfenceError('overloaded', 'too many alerts')
      said.push(signal)
    },
  })
  forked.failed(new RingfenceError('engine_unavailable', 'away'))
  for (let second = 0; second < 61; second += 1) {
    forked.failed(fork)
    now += 1_000
  }
  await forked.close()
  assert.equal(said.length, 2)
  assert.deepEqual([said[0]?.tenant, said[0]?.severity], [undefined, 'critical'])
  assert.match(said[0]?.summary ?? '', /tenant\/acme/)
  isFull = true
  now += 60_000
  forked.failed(fork)
  await forked.close()
  isFull = false
  forked.failed(fork)
  await forked.close()
  assert.deepEqual([said.length, log.length], [3, 1])
})
