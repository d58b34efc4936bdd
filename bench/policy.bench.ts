import assert from 'node:assert/strict'
import * as engine from '@cedar-policy/cedar-wasm/nodejs'
import { jsonOfFields, nameOf } from '../src/policy/cedar/json-of-value.ts'
import { decisionOfStore } from '../src/policy/decision.ts'
import { gatewayQuestion } from '../src/policy/gateway-question.ts'
import { parsedStoreSchema } from '../src/policy/parse-policies.ts'
import { compileStore } from '../src/policy/policy-store.ts'
import { environmentOf, type Question } from '../src/policy/question.ts'
import { validateStore, type WrittenStore } from '../src/policy/validate-store.ts'
import { parseApiName, parseUpstreamName } from '../src/core/names.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import type { Bench, Row } from './bench.ts'
import { percentiles, ratios } from './support/statistics.ts'

const TENANT = parseTenantId('acme')
const SIZES = [1, 20, 100, 500] as const
const AIM_US = 10
const ROLES = ['doctor', 'nurse', 'clerk', 'auditor', 'chief'] as const
type Entities = engine.Entities

export const bench: Bench = {
  title: 'policy: one decision, by functions made of the policies and by Cedar’s own engine',
  run({ quick, say }) {
    const rounds = quick ? 3 : 9
    const rows: Row[] = []
    for (const size of quick ? SIZES.slice(0, 2) : SIZES) {
      say(`${size} policies`)
      const { ours, theirs } = contestants(storeOf(size))
      const [oursTimes, theirTimes] = [[] as number[][], [] as number[][]]
      for (let round = 0; round < rounds; round += 1) {
        oursTimes.push(timed(ours, quick ? 2_000 : 20_000))
        theirTimes.push(timed(theirs, quick ? 50 : 200))
      }
      const p50 = (times: readonly number[][]) => times.map((one) => percentiles(one).p50)
      const all = percentiles(oursTimes.flat())
      rows.push(
        {
          what: `${size} policies: functions`,
          unit: 'µs',
          ...all,
          ...ratios(p50(oursTimes), p50(theirTimes)),
          reference: `${size} policies: engine`,
          ...(size === 20 ? { aim: { text: `p50 ≤ ${AIM_US} µs`, met: all.p50 <= AIM_US } } : {}),
        },
        { what: `${size} policies: engine`, unit: 'µs', ...percentiles(theirTimes.flat()) },
      )
    }
    return Promise.resolve(rows)
  },
}

/** Times of single calls, in microseconds. The first ones are not counted. */
function timed(decide: (index: number) => unknown, count: number): number[] {
  for (let index = 0; index < count / 4; index += 1) decide(index)
  return Array.from({ length: count }, (_, index) => {
    const began = performance.now()
    decide(index)
    return (performance.now() - began) * 1000
  })
}

/** As tenants write them: by role, action, path, network, time and second factor. */
function storeOf(size: number): WrittenStore {
  const policies = Array.from({ length: size }, (_, index) => {
    const role = ROLES[index % ROLES.length] ?? ''
    const forms = [
      `permit(principal in Role::"acme/${role}", action in Action::"read", resource == Api::"acme/clinic") when { resource.path like "/records/${index}/*" };`,
      `permit(principal in Role::"acme/${role}", action in Action::"write", resource is Api) when { context.mfa && context has address && context.address.isInRange(ip("10.${index % 256}.0.0/16")) };`,
      `forbid(principal, action in Action::"write", resource) when { context.time < datetime("2020-01-01") || principal.roles.contains("guest-${index}") };`,
      `permit(principal == User::"acme/user-${index}", action, resource in Tenant::"acme") unless { context.scopes.containsAny(["none-${index}"]) };`,
    ]
    return { id: `p${index}`, text: forms[index % forms.length] ?? '' }
  })
  const entities = ROLES.slice(1).map((role, index) => ({
    uid: { type: 'Role', id: `acme/${role}` },
    attrs: {},
    parents: [{ type: 'Role', id: `acme/${ROLES[index] ?? ''}` }],
  }))
  return { policies, entities }
}

const api = {
  name: parseApiName('clinic'),
  prefix: '/clinic',
  upstream: { of: 'platform' as const, name: parseUpstreamName('clinic') },
}

function questionNumber(index: number): Question {
  return gatewayQuestion({
    tenant: TENANT,
    caller: {
      ...{ tenant: TENANT, subject: `user-${index % 50}`, client: 'browser' },
      ...{ scopes: ['read', 'write'], roles: [ROLES[index % ROLES.length] ?? ''], amr: ['mfa'] },
    },
    method: index % 3 === 0 ? 'POST' : 'GET',
    address: `10.${index % 40}.1.2`,
    now: Date.UTC(2026, 0, 1),
    target: { api, inside: `/records/${index % 40}/x` },
  })
}

function contestants(store: WrittenStore) {
  const { parsed = '' } = validateStore(store, TENANT)
  const read = parsedStoreSchema.parse(JSON.parse(parsed))
  const compiled = compileStore(read, [])
  const staticPolicies = Object.fromEntries(store.policies.map(({ id, text }) => [id, text]))
  engine.preparsePolicySet('bench', { staticPolicies })
  const ours = (index: number) =>
    decisionOfStore(compiled.evaluate(environmentOf(questionNumber(index), compiled))).allowed
  const theirs = (index: number) => {
    const { principal, action, resource, context } = questionNumber(index)
    const entity = (of: typeof principal) => ({
      uid: nameOf(of.ref),
      attrs: jsonOfFields(of.attributes),
      parents: of.parents.map(nameOf),
    })
    const answer = engine.statefulIsAuthorized({
      principal: nameOf(principal.ref),
      action: nameOf(action.ref),
      resource: nameOf(resource.ref),
      context: jsonOfFields(context) as engine.Context,
      entities: [...read.entities, entity(principal), entity(resource)] as Entities,
      preparsedPolicySetId: 'bench',
    })
    return answer.type === 'success' && answer.response.decision === 'allow'
  }
  // What is compared must be the same work.
  for (let index = 0; index < 100; index += 1) assert.equal(ours(index), theirs(index))
  return { ours, theirs }
}
