import assert from 'node:assert/strict'
import { mock, test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { boundedCall } from './bounded-call.ts'

const failed = (code: string) => (error: unknown) =>
  error instanceof RingfenceError && error.code === code

test('a call that ends in time gives its value or its own error', async () => {
  assert.equal(await boundedCall('it', { secondsMax: 1 }, async () => 7), 7)
  const own = new Error('own')
  await assert.rejects(
    boundedCall('it', { secondsMax: 1 }, () => Promise.reject(own)),
    own,
  )
})

test('a call that takes longer is timed out, and what it brings later is handed over', async () => {
  const { promise, resolve } = Promise.withResolvers<string>()
  const late: string[] = []
  await assert.rejects(
    boundedCall(
      'it',
      { secondsMax: 0.01 },
      () => promise,
      (value) => late.push(value),
    ),
    failed('timed_out'),
  )
  resolve('copy')
  await promise
  assert.deepEqual(late, ['copy'])
})

test('an interrupted call may end in its own time for five seconds, and is then given up', async (t) => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.after(() => mock.timers.reset())
  const controller = new AbortController()
  const limits = { secondsMax: 60, signal: controller.signal }
  const { promise, resolve } = Promise.withResolvers<string>()
  const ends = boundedCall('it', limits, () => promise)
  const hangs = boundedCall('it', limits, () => new Promise<string>(() => {}))
  controller.abort()
  mock.timers.tick(4_999)
  resolve('done')
  assert.equal(await ends, 'done')
  mock.timers.tick(1)
  await assert.rejects(hangs, failed('void_run'))
})

test('nothing is started once the run is interrupted', async () => {
  let started = false
  await assert.rejects(
    boundedCall('it', { secondsMax: 1, signal: AbortSignal.abort() }, async () => {
      started = true
    }),
    failed('void_run'),
  )
  assert.equal(started, false)
})
