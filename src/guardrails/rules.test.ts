import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type GuardrailConfig, PII_KINDS } from '../contracts/guardrail.ts'
import { parseApiName } from '../core/names.ts'
import { guardrailsOf } from './guards.ts'
import { rulesFor } from './rules.ts'
import { toolAllowed } from './tools.ts'
import { CLINIC, guardrail } from './verdict.test-support.ts'

const pii = (find: readonly string[], action: string) => ({ kind: 'pii', find, action })

test('of two rules about the same thing the stricter one holds, whoever wrote it and in which order', () => {
  const platform = [guardrail([pii(['ssn'], 'block'), pii(['email'], 'flag')])]
  const own = [guardrail([pii(['ssn', 'email'], 'flag'), pii(['card'], 'redact')])]
  for (const all of [
    guardrailsOf({ guardrails: own }, { guardrails: platform }),
    [...own, ...platform],
  ]) {
    const { actions, isStrict, blocks } = rulesFor(all, CLINIC, 'request')
    assert.deepEqual(Object.fromEntries(actions), { ssn: 'block', email: 'flag', card: 'redact' })
    assert.deepEqual([isStrict, blocks], [true, true])
  }
})

test('rules are for their APIs and directions', () => {
  const all = [
    guardrail([pii(['ssn'], 'block')], { apis: ['billing'] }),
    guardrail([pii(['card'], 'block')], { direction: 'request' }),
    guardrail([pii(['npi'], 'block')], { direction: 'response' }),
  ]
  const kinds = (api: string, direction: 'request' | 'response') =>
    rulesFor(all, parseApiName(api), direction).kinds
  assert.deepEqual(kinds('clinic', 'request'), ['card'])
  assert.deepEqual(kinds('clinic', 'response'), ['npi'])
  assert.deepEqual(kinds('billing', 'request'), ['ssn', 'card'])
  assert.equal(rulesFor([], CLINIC, 'request').looks, false)
})

test('the smallest size and every list of types hold', () => {
  const all = [
    guardrail([
      { kind: 'size', bytes: 10 },
      { kind: 'content-types', allow: ['application/*'] },
    ]),
    guardrail([
      { kind: 'size', bytes: 99 },
      { kind: 'content-types', allow: ['application/json', 'text/plain'] },
    ]),
  ]
  const { bytesMax, mediaTypes } = rulesFor(all, CLINIC, 'request')
  assert.equal(bytesMax, 10)
  assert.equal(mediaTypes.length, 2)
})

const anyGuardrail: fc.Arbitrary<GuardrailConfig> = fc
  .record({
    direction: fc.constantFrom('request', 'response', 'both'),
    apis: fc.option(fc.subarray(['clinic', 'billing']), { nil: undefined }),
    rules: fc.array(
      fc.oneof(
        fc.record({
          kind: fc.constant('pii'),
          find: fc.subarray([...PII_KINDS], { minLength: 1 }),
          action: fc.constantFrom('redact', 'block', 'flag'),
        }),
        fc.record({ kind: fc.constant('size'), bytes: fc.nat() }),
        fc.record({
          kind: fc.constant('tools'),
          allow: fc.option(fc.subarray(['a*', 'b', 'ab']), { nil: undefined }),
          deny: fc.option(fc.subarray(['a', 'b*']), { nil: undefined }),
        }),
      ),
      { minLength: 1, maxLength: 4 },
    ),
  })
  .map(({ rules, direction, apis }) =>
    guardrail(JSON.parse(JSON.stringify(rules)), {
      direction,
      ...(apis === undefined ? {} : { apis }),
    }),
  )
const strictness = (action: string | undefined) => ['flag', 'redact', 'block'].indexOf(action ?? '')

test("whatever a tenant adds, nothing of the platform's is weaker than it was", () => {
  fc.assert(
    fc.property(
      fc.array(anyGuardrail, { maxLength: 4 }),
      fc.array(anyGuardrail, { maxLength: 4 }),
      (platform, own) => {
        const both = guardrailsOf({ guardrails: own }, { guardrails: platform })
        for (const direction of ['request', 'response'] as const) {
          const before = rulesFor(platform, CLINIC, direction)
          const after = rulesFor(both, CLINIC, direction)
          for (const [what, action] of before.actions) {
            assert.ok(strictness(after.actions.get(what)) >= strictness(action))
          }
          assert.ok(after.bytesMax <= before.bytesMax)
        }
        for (const tool of ['a', 'b', 'ab', 'c', 'B']) {
          assert.ok(toolAllowed(platform, CLINIC, tool) || !toolAllowed(both, CLINIC, tool))
        }
      },
    ),
    { numRuns: 300 },
  )
})

test('a tool is allowed if every list has it and none denies it', () => {
  const all = [
    guardrail([{ kind: 'tools', allow: ['get*', 'delete_note'] }]),
    guardrail([{ kind: 'tools', deny: ['delete*', 'getSecret'] }]),
  ]
  const allowed = (tool: string) => toolAllowed(all, CLINIC, tool)
  assert.equal(allowed('getPatient'), true)
  for (const tool of ['delete_note', 'Delete_note', 'getSecret', 'GETSECRET', 'addPatient', '']) {
    assert.equal(allowed(tool), false, tool)
  }
  assert.equal(toolAllowed([], CLINIC, 'anything'), true)
  assert.equal(toolAllowed([guardrail([{ kind: 'tools', allow: [] }])], CLINIC, 'anything'), false)
})
