import {
  isAuthorized,
  policyToJson,
  preparsePolicySet,
  statefulIsAuthorized,
  templateToJson,
} from '@cedar-policy/cedar-wasm/nodejs'
import { EntityRef, CedarRecord } from './value.ts'
import { entryOfJson, EntityStore } from './entity-store.ts'
import { fieldsOfJson, entityOfJson } from './json-value.ts'
import { compilePolicy, type CompiledPolicy } from './policy.ts'
import { allows, PolicyCollection } from './policy-set.ts'
import { randomStore, type RandomRequest, type RandomStore } from './random-store.test-support.ts'

export interface Compared {
  pairs: number
  allowed: number
  withErrors: number
  /** Cedar allowed it, and a `forbid` that failed denies it here. */
  stricter: number
  /** One line each, with the seed. */
  readonly differences: string[]
}

/** Decides generated requests by our closures and by Cedar's own engine. */
export function compareStores(from: number, stores: number): Compared {
  const total: Compared = { pairs: 0, allowed: 0, withErrors: 0, stricter: 0, differences: [] }
  for (let seed = from; seed < from + stores; seed += 1) compareStore(seed, total)
  return total
}

function compareStore(seed: number, total: Compared): void {
  const store = randomStore(seed)
  const parsed = preparsePolicySet('differential', policySetOf(store))
  let ours: PolicyCollection | undefined
  let entities: EntityStore
  try {
    entities = new EntityStore(store.entities.map(entryOfJson))
    ours = new PolicyCollection(compiled(store))
  } catch (error) {
    total.differences.push(`${seed}: ours does not read it: ${String(error)}`)
    return
  }
  if (parsed.type !== 'success') {
    total.differences.push(`${seed}: theirs does not read it: ${JSON.stringify(parsed)}`)
    return
  }
  for (const [index, request] of store.requests.entries()) {
    const answer = statefulIsAuthorized({
      ...request,
      entities: store.entities,
      preparsedPolicySetId: 'differential',
    })
    if (answer.type !== 'success') {
      total.differences.push(`${seed}/${index}: theirs fails: ${JSON.stringify(answer.errors)}`)
      continue
    }
    const { decision, diagnostics } = answer.response
    const verdict = ours.evaluate(environmentOf(request, entities))
    const { permits, forbids, errors, failedForbids } = verdict
    const cedar = permits.length > 0 && forbids.length === 0
    const reasons = forbids.length > 0 ? forbids : permits
    const mine = [cedar ? 'allow' : 'deny', sorted(reasons), sorted(errors.map((e) => e.policy))]
    const theirs = [
      decision,
      sorted(diagnostics.reason),
      sorted(diagnostics.errors.map(({ policyId }) => policyId)),
    ]
    total.pairs += 1
    if (decision === 'allow') total.allowed += 1
    if (errors.length > 0) total.withErrors += 1
    if (cedar && !allows(verdict)) total.stricter += 1
    if (allows(verdict) !== (cedar && failedForbids.length === 0) || !same(mine, theirs)) {
      total.differences.push(`${seed}/${index}: ${JSON.stringify({ mine, theirs, errors })}`)
    }
  }
}

function policySetOf({ policies, templates, links }: RandomStore) {
  return {
    staticPolicies: policies,
    templates,
    templateLinks: links.map(({ id, template, principal, resource }) => ({
      templateId: template,
      newId: id,
      values: {
        ...(principal === undefined ? {} : { '?principal': principal }),
        ...(resource === undefined ? {} : { '?resource': resource }),
      },
    })),
  }
}

function compiled({ policies, templates, links }: RandomStore): CompiledPolicy[] {
  const own = Object.entries(policies).map(([id, text]) =>
    compilePolicy(id, jsonOf(policyToJson(text)), new Map()),
  )
  const linked = links.map(({ id, template, principal, resource }) => {
    const slots = new Map<string, EntityRef>()
    if (principal !== undefined) slots.set('?principal', entityOfJson(principal))
    if (resource !== undefined) slots.set('?resource', entityOfJson(resource))
    return compilePolicy(id, jsonOf(templateToJson(templates[template] ?? '')), slots)
  })
  return [...own, ...linked]
}

function jsonOf(answer: ReturnType<typeof policyToJson>): unknown {
  if (answer.type === 'success') return answer.json
  throw new Error(answer.errors.map(({ message }) => message).join())
}

function environmentOf(request: RandomRequest, entities: EntityStore) {
  return {
    principal: entityOfJson(request.principal),
    action: entityOfJson(request.action),
    resource: entityOfJson(request.resource),
    context: new CedarRecord(fieldsOfJson(request.context)),
    entities,
    why: '',
  }
}

const sorted = (list: readonly string[]) => list.toSorted()
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** One expression as the condition of a permit, by both engines: `allow`, `deny` or `error`. */
export function bothOf(expression: string): { readonly ours: string; readonly theirs: string } {
  const text = `permit(principal, action, resource) when { ${expression} };`
  const request = {
    principal: { type: 'User', id: 'a' },
    action: { type: 'Action', id: 'view' },
    resource: { type: 'Doc', id: 'a' },
    context: { n: 2, s: '1.5' },
  }
  const answer = isAuthorized({
    ...request,
    entities: [],
    policies: { staticPolicies: { p: text } },
  })
  if (answer.type !== 'success') throw new Error(JSON.stringify(answer.errors))
  const theirs = answer.response.diagnostics.errors.length > 0 ? 'error' : answer.response.decision
  const entities = new EntityStore([])
  const policy = compilePolicy('p', jsonOf(policyToJson(text)), new Map())
  const holds = policy.holds(environmentOf(request, entities))
  return { theirs, ours: holds === undefined ? 'error' : holds ? 'allow' : 'deny' }
}
