import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { reachedOrNot, usableOrNot } from './server-errors.ts'

const told = (code: string, message = 'the server says so') =>
  Object.assign(new Error(message), { code })

test('what the server says of itself and of the way to it is ours, and nothing else is', () => {
  const errorsOf = reachedOrNot('the database')
  const codeOf = (error: unknown) => {
    const refusal = errorsOf(error)
    return refusal instanceof RingfenceError ? refusal.code : undefined
  }
  for (const code of ['08006', '53300', '57P01', 'ECONNREFUSED', 'ENOENT', 'EPIPE']) {
    assert.equal(codeOf(told(code)), 'engine_unavailable', code)
  }
  for (const message of [
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'Query read timeout',
    'timeout expired',
    'timeout exceeded when trying to connect',
    'Cannot use a pool after calling end on the pool',
  ]) {
    assert.equal(codeOf(new Error(message)), 'engine_unavailable', message)
  }
  for (const code of ['57014', '55P03']) assert.equal(codeOf(told(code)), 'timed_out', code)
  for (const error of [told('23505'), told('40P01'), new Error('unknown'), 'a text']) {
    assert.equal(errorsOf(error), error)
  }
})

test('a refusal of ours comes through as it is', () => {
  const refusal = new RingfenceError('not_found', 'no such thing', { detail: 'timeout exceeded' })
  assert.equal(reachedOrNot('the database')(refusal), refusal)
  assert.equal(usableOrNot('the database')(refusal), refusal)
})

test('for those who read nothing of the server, all that it says is that it cannot be used', () => {
  const refusal = usableOrNot('the database')(told('23505', 'a key was broken'))
  assert.equal(refusal.code, 'engine_unavailable')
  assert.equal(refusal.message, 'the database cannot be used')
  assert.equal(refusal.detail, 'a key was broken')
})
