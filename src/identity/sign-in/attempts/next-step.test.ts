import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { parseSubject } from '../../../core/names.ts'
import type { SecondFactor } from '../sign-in.ts'
import { acrOf, ONE_FACTOR, TWO_FACTORS, withSecond } from './methods.ts'
import { type AttemptState, nextStep } from './next-step.ts'

const subject = fc.constantFrom(undefined, parseSubject('ana'), parseSubject('bob'))
const state: fc.Arbitrary<AttemptState> = fc.record({
  subject,
  amr: fc.subarray(['pwd', 'otp', 'mfa', 'hwk']),
  signedInAt: fc.constant(new Date()),
  connection: fc.constant(undefined),
  acrDemanded: fc.constantFrom(undefined, ONE_FACTOR, TWO_FACTORS),
  only: subject,
  second: fc.subarray<SecondFactor>(['passkey', 'totp', 'recovery_code']),
  mustChangePassword: fc.boolean(),
  secondFactorRequired: fc.boolean(),
})

test('nothing is done before everything that is demanded was shown, by the user that was meant', () => {
  fc.assert(
    fc.property(state, (at) => {
      if (nextStep(at).kind !== 'done') return
      assert.ok(at.subject !== undefined)
      assert.equal(at.only ?? at.subject, at.subject)
      const two = at.secondFactorRequired || at.acrDemanded === TWO_FACTORS || at.second.length > 0
      if (two) assert.equal(acrOf(at.amr), TWO_FACTORS)
      assert.ok(!at.mustChangePassword || !at.amr.includes('pwd'))
    }),
    { numRuns: 1_000 },
  )
})

test('whoever has a second factor is never asked to set one up', () => {
  fc.assert(
    fc.property(state, (at) => {
      const next = nextStep(at)
      if (next.kind === 'enrol') assert.deepEqual(at.second, [])
      if (next.kind === 'second_factor') assert.deepEqual(next.factors, at.second)
    }),
    { numRuns: 1_000 },
  )
})

test('two factors are two, whatever the first one was', () => {
  assert.equal(acrOf(['pwd']), ONE_FACTOR)
  assert.equal(acrOf(withSecond(['pwd'], ['otp'])), TWO_FACTORS)
  assert.deepEqual(withSecond(['pwd'], ['otp']), ['mfa', 'otp', 'pwd'])
})
