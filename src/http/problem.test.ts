import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ERROR_CODES, RingfenceError } from '../core/errors.ts'
import { problemOf, problemResponse } from './problem.ts'

test('a refusal is told with its code, its line and nothing else', () => {
  const error = new RingfenceError('conflict', 'not now', {
    detail: 'pid 12',
    cause: new Error('x'),
  })
  assert.deepEqual(problemOf(error, 'r-1'), {
    type: 'urn:ringfence:error:conflict',
    title: 'not now',
    status: 409,
    code: 'conflict',
    request_id: 'r-1',
  })
})

test('our own trouble is told without a word about it', () => {
  const secret = 'password hunter2'
  for (const error of [new Error(secret), secret, new RingfenceError('internal', secret)]) {
    const problem = problemOf(error)
    assert.equal(problem.status, 500)
    assert.ok(!JSON.stringify(problem).includes('hunter2'))
  }
})

test('every code has a status that is an error', () => {
  for (const code of ERROR_CODES) {
    const { status } = problemOf(new RingfenceError(code, 'no'))
    assert.ok(status >= 400 && status < 600, code)
  }
})

test('a problem is never kept by a cache', async () => {
  const response = problemResponse(new RingfenceError('not_found', 'no'), undefined, { 'x-a': '1' })
  assert.equal(response.status, 404)
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.equal(response.headers.get('cache-control'), 'no-store')
  assert.equal(response.headers.get('x-a'), '1')
  assert.equal(((await response.json()) as { code: string }).code, 'not_found')
})
