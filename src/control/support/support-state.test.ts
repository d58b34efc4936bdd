import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { isOver, SUPPORT_STATES, type SupportState } from '../../core/support-terms.ts'
import { firstState, nextState, SUPPORT_EVENTS, type SupportEvent } from './support-state.ts'

const events = fc.array(fc.constantFrom(...SUPPORT_EVENTS), { maxLength: 12 })
const needsOf = fc.record({ secondPerson: fc.boolean(), consent: fc.boolean() })

describe('an access, whatever happens to it', () => {
  test('is active only after everybody agreed who has to', () => {
    fc.assert(
      fc.property(events, needsOf, (happened, needs) => {
        let state: SupportState = firstState(needs)
        const agreed = new Set<SupportEvent>()
        for (const event of happened) {
          const next = nextState(state, event, needs)
          if (next === undefined) continue
          agreed.add(event)
          state = next
          if (state !== 'active') continue
          assert.ok(!needs.consent || agreed.has('consent'))
          assert.ok(!needs.secondPerson || agreed.has('approve'))
        }
      }),
    )
  })

  test('is never active again once it was over, and nothing follows an end', () => {
    for (const state of SUPPORT_STATES.filter(isOver)) {
      for (const event of SUPPORT_EVENTS) {
        for (const secondPerson of [true, false]) {
          for (const consent of [true, false]) {
            assert.equal(nextState(state, event, { secondPerson, consent }), undefined)
          }
        }
      }
    }
  })

  test('can be ended from wherever it stands', () => {
    const needs = { secondPerson: true, consent: true }
    for (const state of SUPPORT_STATES.filter((one) => !isOver(one))) {
      for (const event of ['deny', 'end', 'expire', 'revoke'] as const) {
        const next = nextState(state, event, needs)
        assert.ok(next !== undefined && isOver(next), `${state} ${event}`)
      }
    }
  })

  test('is not agreed to by somebody whose agreement is not asked for', () => {
    assert.equal(
      nextState('requested', 'approve', { secondPerson: false, consent: true }),
      undefined,
    )
    assert.equal(
      nextState('requested', 'consent', { secondPerson: true, consent: false }),
      undefined,
    )
  })
})
