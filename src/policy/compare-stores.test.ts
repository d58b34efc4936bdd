import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseApiName, parseUpstreamName } from '../core/names.ts'
import { dryRun } from './compare-stores.ts'
import { explain } from './explain.ts'
import { gatewayQuestion } from './gateway-question.ts'
import { type ParsedStore, parsedStoreSchema } from './parse-policies.ts'
import { ACME, CLINIC_STORE } from './policy-site.test-support.ts'
import { compileStore } from './policy-store.ts'
import { runPolicyTests } from './policy-tests.ts'
import { environmentOf } from './question.ts'
import { questionOf, readRecording, recordingOf } from './recorded-question.ts'
import { validateStore, type WrittenStore } from './validate-store.ts'
import { decisionOfStore } from './decision.ts'

const api = {
  name: parseApiName('clinic'),
  prefix: '/clinic',
  upstream: { of: 'platform' as const, name: parseUpstreamName('clinic') },
}

function parsedOf(store: WrittenStore): ParsedStore {
  const { problems, parsed } = validateStore(store, ACME)
  assert.deepEqual(problems, [])
  return parsedStoreSchema.parse(JSON.parse(parsed ?? ''))
}

const parsed = (...texts: readonly string[]) =>
  parsedOf({ policies: texts.map((text, index) => ({ id: `p${index}`, text })) })

const question = (roles: readonly string[], method = 'GET', inside = '/records/7') =>
  gatewayQuestion({
    tenant: ACME,
    caller: {
      ...{ tenant: ACME, subject: 'ada', client: 'browser', scopes: ['read'], roles },
      amr: ['mfa'],
      authenticatedAt: new Date('2024-01-01T10:00:00Z'),
    },
    method,
    address: '10.1.2.3',
    now: Date.UTC(2024, 0, 1, 12),
    target: { api, inside },
  })

const DOCTORS = 'permit(principal in Role::"acme/doctor", action in Action::"read", resource);'

describe('a recorded question', () => {
  const store = compileStore(parsed(DOCTORS), [])
  const decided = (roles: readonly string[]) => {
    const asked = question(roles)
    const decision = decisionOfStore(store.evaluate(environmentOf(asked, store)))
    return recordingOf(asked, decision, { tenant: ACME, requestId: 'r', at: new Date(0) })
  }
  const text = [decided(['doctor']), decided(['nurse']), ''].join('\n')

  test('is read again as it was asked', () => {
    const [first] = readRecording(text)
    assert.ok(first)
    assert.equal(first.decision, 'allow')
    const again = questionOf(first)
    const before = question(['doctor'])
    assert.equal(again.principal.ref.key, before.principal.ref.key)
    assert.deepEqual(again.context, new Map(before.context))
    assert.deepEqual(again.resource.attributes, new Map(before.resource.attributes))
    assert.equal(again.action.key, before.action.key)
  })

  test('shows what a new version would decide in another way', () => {
    const recorded = readRecording(text)
    const same = dryRun(recorded, store)
    assert.deepEqual([same.questions, same.changed.length], [2, 0])
    const nurses = compileStore(parsed(DOCTORS.replace('doctor', 'nurse')), [])
    const { changed } = dryRun(recorded, nurses)
    assert.deepEqual(
      changed.map(({ before, after }) => [before, after]),
      [
        ['allow', 'deny'],
        ['deny', 'allow'],
      ],
    )
    assert.equal(dryRun(recorded, nurses, nurses).changed.length, 0)
  })

  test('that is none is refused by its line', () => {
    assert.throws(() => readRecording(`${text}{"tenant":"acme"}`), /line 3/)
  })
})

describe('why a store decides', () => {
  const store = parsed(
    DOCTORS,
    '@reason("exports go by mail") forbid(principal, action, resource is Api) when { resource.path like "/export*" };',
    'permit(principal, action in Action::"write", resource) when { context.mfa };',
    'permit(principal, action, resource is Endpoint);',
  )

  test('is told policy by policy', () => {
    const told = explain(store, [], question(['doctor'], 'GET', '/export/all'))
    assert.deepEqual(
      told.map(({ id, outcome, why }) => [id, outcome, why]),
      [
        ['p0', 'applies', undefined],
        ['p1', 'applies', undefined],
        ['p2', 'is about something else', 'action'],
        ['p3', 'is about something else', 'resource'],
      ],
    )
    assert.deepEqual(told[1]?.notes, ['exports go by mail'])
  })

  test('is told of conditions that do not hold, and of links', () => {
    const templates = [{ id: 't', text: 'permit(principal == ?principal, action, resource);' }]
    const links = [{ id: 'l', template: 't', principal: 'User::"acme/bob"' }]
    const linked = parsedOf({ policies: [], templates, links })
    const [link] = explain(linked, links, question([]))
    assert.deepEqual([link?.id, link?.why], ['l', 'principal'])
    const [, condition] = explain(store, [], question([]))
    assert.equal(condition?.outcome, 'condition does not hold')
  })
})

describe('tests of a store', () => {
  const base = { action: 'Clinic::Action::"sign"', resource: 'Clinic::Record::"acme/17"' }
  const record = (attrs: Record<string, unknown>) => ({
    uid: { type: 'Clinic::Record', id: 'acme/17' },
    attrs: { owner: { type: 'User', id: 'acme/ada' }, seen: '2024-01-01', ...attrs },
    parents: [],
  })

  test('pass or fail by what it decides', () => {
    const results = runPolicyTests(
      parsedOf(CLINIC_STORE),
      [],
      [
        {
          ...{ name: 'an owner signs', principal: 'User::"acme/ada"', ...base },
          entities: [record({})],
          expect: 'allow',
        },
        {
          ...{ name: 'not from outside', principal: 'User::"acme/ada"', ...base },
          entities: [record({ from: '192.0.2.1' })],
          expect: 'deny',
        },
        {
          ...{ name: 'not before it was seen', principal: 'User::"acme/ada"', ...base },
          entities: [record({})],
          context: { time: '2023-01-01' },
          expect: 'allow',
        },
      ],
      ACME,
    )
    assert.deepEqual(
      results.map(({ passed }) => passed),
      [true, true, false],
    )
    assert.equal(results[2]?.decision, 'deny')
  })
})
