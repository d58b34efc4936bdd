import type { TenantId } from '../core/tenant.ts'
import { READING } from './built-in-schema.ts'
import { tenantEntity } from './caller.ts'
import { entryOfJson, type EntityJson, type Entry } from './cedar/entity-store.ts'
import { entityOfJson, fieldsOfJson } from './cedar/json-value.ts'
import { CedarSet, EntityRef, type Value } from './cedar/value.ts'
import { DateTime } from './cedar/date-time.ts'
import { decisionBy } from './compare-stores.ts'
import { parseEntityName, type ParsedStore } from './parse-policies.ts'
import { compileStore } from './policy-store.ts'
import { actionOf } from './gateway-question.ts'
import { ActionEntity, type Question } from './question.ts'
import { meant, type Shape } from './shapes.ts'
import type { WrittenStore } from './validate-store.ts'

/** What a store is expected to decide. */
export interface PolicyTestCase {
  readonly name: string
  /** Entities in Cedar's own syntax: `User::"acme/ada"`. */
  readonly principal: string
  readonly action: string
  readonly resource: string
  readonly context?: Readonly<Record<string, unknown>> | undefined
  /** Besides the store's, for this test: who the principal is, and what the resource. */
  readonly entities?: readonly EntityJson[] | undefined
  readonly expect: 'allow' | 'deny'
}

export interface PolicyTestResult {
  readonly name: string
  readonly passed: boolean
  readonly expected: 'allow' | 'deny'
  readonly decision: 'allow' | 'deny'
  readonly reason: string
}

/** The moment of tests that say nothing of it: the same at every run. */
const NOON = new DateTime(BigInt(Date.UTC(2026, 0, 1, 12)))

/** What of a context is written as text, and is none. */
const WRITTEN: Shape = {
  is: 'record',
  fields: {
    time: { is: 'extension', fn: 'datetime' },
    authenticatedAt: { is: 'extension', fn: 'datetime' },
    address: { is: 'extension', fn: 'ip' },
  },
}

/**
 * Runs tests of a store.
 * @param parsed what `validateStore` made of it
 * @throws RingfenceError `invalid_argument` for a test that cannot be asked
 */
export function runPolicyTests(
  parsed: ParsedStore,
  links: NonNullable<WrittenStore['links']>,
  tests: readonly PolicyTestCase[],
  tenant: TenantId,
): readonly PolicyTestResult[] {
  return tests.map((one) => {
    const extra = (one.entities ?? []).map((entity) => ({
      ...entity,
      attrs: meant(
        entity.attrs,
        shapesOf(parsed)[entityOfJson(entity.uid).type],
      ) as EntityJson['attrs'],
    }))
    const question = testQuestion(one, extra.map(entryOfJson), parsed, tenant)
    const others = extra.filter(({ uid }) => {
      const { key } = entityOfJson(uid)
      return key !== question.principal.ref.key && key !== question.resource.ref.key
    })
    const store = compileStore(withEntities(parsed, others), links)
    const { allowed, reason } = decisionBy(store, question)
    const decision = allowed ? 'allow' : 'deny'
    return {
      name: one.name,
      passed: decision === one.expect,
      expected: one.expect,
      decision,
      reason,
    }
  })
}

/** The question of a test. */
export function testQuestion(
  test: Omit<PolicyTestCase, 'name' | 'expect'>,
  entities: readonly Entry[],
  parsed: Pick<ParsedStore, 'shapes'>,
  tenant: TenantId,
): Question {
  const principal = named(test.principal)
  const action = named(test.action)
  const resource = named(test.resource)
  const context = test.context ?? {}
  const shape = shapesOf(parsed)[`${action.type}::${JSON.stringify(action.id)}`]
  return {
    principal: known(principal, entities) ?? principalNamed(principal, tenant),
    action: actionNamed(action),
    resource: known(resource, entities) ?? resourceNamed(resource, tenant),
    context: new Map<string, Value>([
      ['time', NOON],
      ['mfa', false],
      ['scopes', new CedarSet(['read', 'write'])],
      ['amr', new CedarSet([])],
      ...(action.type === 'Action' ? [['method', methodOf(action.id)] as const] : []),
      ...fieldsOfJson(meant(meant(context, WRITTEN), shape) as Record<string, unknown>),
    ]),
  }
}

function known(ref: EntityRef, entities: readonly Entry[]) {
  const entry = entities.find(({ uid }) => uid.key === ref.key)
  return entry && { ref, attributes: entry.attributes, parents: entry.parents }
}

function principalNamed(ref: EntityRef, tenant: TenantId) {
  const own = tenantEntity(tenant)
  const attributes = new Map<string, Value>([
    ['tenant', own],
    ['subject', ref.id.replace(/^[^/]*\//, '')],
    ['client', 'test'],
    ['roles', new CedarSet([])],
    ['placedRoles', new CedarSet([])],
  ])
  return { ref, attributes, parents: [own] }
}

function resourceNamed(ref: EntityRef, tenant: TenantId) {
  const own = tenantEntity(tenant)
  const isBuiltIn = ref.type === 'Api' || ref.type === 'Endpoint'
  const attributes = new Map<string, Value>(
    isBuiltIn
      ? [
          ['owner', own],
          ['name', ref.id.replace(/^[^/]*\//, '')],
          ['version', 'v1'],
          ['path', '/'],
        ]
      : [],
  )
  return { ref, attributes, parents: isBuiltIn ? [own] : [] }
}

function actionNamed(ref: EntityRef): ActionEntity {
  const isMethod = ref.type === 'Action' && /^[A-Z]+$/.test(ref.id)
  return isMethod ? actionOf(ref.id, undefined) : new ActionEntity(ref, [])
}

const methodOf = (action: string) => (/^[A-Z]+$/.test(action) ? action : READING[0])

function named(text: string): EntityRef {
  return entityOfJson(parseEntityName(text))
}

function shapesOf({ shapes }: Pick<ParsedStore, 'shapes'>): Readonly<Record<string, Shape>> {
  return shapes as Readonly<Record<string, Shape>>
}

/** Those of a test stand in the place of the store's own of the same name. */
function withEntities(parsed: ParsedStore, extra: readonly EntityJson[]): ParsedStore {
  const keys = new Set(extra.map(({ uid }) => entityOfJson(uid).key))
  const own = parsed.entities.filter(({ uid }) => !keys.has(entityOfJson(uid).key))
  return { ...parsed, entities: [...own, ...(extra as ParsedStore['entities'])] }
}
