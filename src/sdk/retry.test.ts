import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RingfenceError } from '../core/errors.ts'
import { retryAfterMs, retrying, TryLater } from './retry.ts'

const refusal = new RingfenceError('overloaded', 'later')
const never = new AbortController().signal

test('what fails for good is not tried again', async () => {
  let tries = 0
  const failing = retrying(5_000, never, async () => {
    tries += 1
    throw new RangeError('for good')
  })
  await assert.rejects(failing, RangeError)
  assert.equal(tries, 1)
})

test('what may pass is tried until it does, each time with what is left of the time', async () => {
  const left: number[] = []
  const value = await retrying(5_000, never, async (leftMs) => {
    left.push(leftMs)
    if (left.length < 3) throw new TryLater(refusal)
    return 'done'
  })
  assert.equal(value, 'done')
  assert.ok(left.every((ms, index) => index === 0 || ms < (left[index - 1] ?? 0)))
})

test('the refusal comes out when the next try would be too late', async () => {
  let tries = 0
  const failing = retrying(200, never, async () => {
    tries += 1
    throw new TryLater(refusal, tries === 1 ? 0 : 10_000)
  })
  await assert.rejects(failing, (error) => error === refusal)
  assert.equal(tries, 2)
})

test('waiting ends when the caller is closed', async () => {
  const closing = new AbortController()
  const waiting = retrying(60_000, closing.signal, async () => {
    throw new TryLater(refusal, 30_000)
  })
  setImmediate(() => closing.abort())
  await assert.rejects(waiting, { code: 'engine_unavailable' })
})

test('Retry-After is seconds or a date, and anything else is none', () => {
  assert.equal(retryAfterMs('2'), 2_000)
  const soon = retryAfterMs(new Date(Date.now() + 5_000).toUTCString())
  assert.ok(soon > 3_000 && soon <= 5_000)
  assert.equal(retryAfterMs(new Date(0).toUTCString()), 0)
  for (const odd of [undefined, '', '-1', '1.5', 'soon', '1e9', ['1', '2'], '99999999']) {
    assert.equal(retryAfterMs(odd), 0, String(odd))
  }
})

test('whatever a server sends as Retry-After, the wait is a number and not negative', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.date().map(String)), (text) => {
      assert.ok(retryAfterMs(text) >= 0)
    }),
  )
})
