import type { PolicyStoreConfig } from '../contracts/policy-store.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { isOwn, type OperationAction, TYPES_OF_REQUESTS } from './built-in-schema.ts'
import { messagesOf, withCedar } from './cedar-engine.ts'
import { entityNamesIn } from './names-in-policy.ts'
import { parseEntityName, parsePolicy, type ParsedStore, parseTemplate } from './parse-policies.ts'
import { compileStore } from './policy-store.ts'
import { regoProblem } from './rego.ts'
import { type StoreSchema, storeSchema } from './schema.ts'
import { meant } from './shapes.ts'
import type { StoreProblem } from './store-problems.ts'

type CedarEntities = import('@cedar-policy/cedar-wasm/nodejs').Entities

/** A store as it is written: the rest is made of it. */
export type WrittenStore = Omit<PolicyStoreConfig, 'version' | 'parsed'>

export interface ValidatedStore {
  readonly problems: readonly StoreProblem[]
  /** Not wrong, but hardly what was meant. */
  readonly warnings: readonly StoreProblem[]
  /** For `parsed` of the configuration; undefined when there is a problem. */
  readonly parsed: string | undefined
}

/**
 * Looks at a tenant's store as it is written: whether it can be read, fits the platform's schema and
 * its own, and names nothing of another tenant's.
 * @param operations of the APIs in the tenant's contract
 */
export function validateStore(
  store: WrittenStore,
  tenant: TenantId,
  operations: readonly OperationAction[] = [],
): ValidatedStore {
  const look = new StoreValidation(store, tenant)
  const schema = look.part('schema', () => storeSchema(store.schema, operations))
  const parsed = schema && look.parse(schema)
  if (schema !== undefined && parsed !== undefined && look.problems.length === 0) {
    look.part('policies', () => look.validate(schema))
    // What decides later must read it too.
    look.part('store', () => compileStore(parsed, store.links ?? []))
  }
  const { problems, warnings } = look
  const isGood = problems.length === 0 && parsed !== undefined
  return { problems, warnings, parsed: isGood ? JSON.stringify(parsed) : undefined }
}

class StoreValidation {
  readonly problems: StoreProblem[] = []
  readonly warnings: StoreProblem[] = []
  readonly #store: WrittenStore
  readonly #tenant: TenantId

  constructor(store: WrittenStore, tenant: TenantId) {
    this.#store = store
    this.#tenant = tenant
  }

  /** What `make` makes; undefined, and a problem more, where it throws. */
  part<T>(where: string, make: () => T): T | undefined {
    try {
      return make()
    } catch (error) {
      // A RangeError is a stack that was too small for how deep something nests.
      if (!(error instanceof RingfenceError) && !(error instanceof RangeError)) throw error
      this.problems.push({ where, message: messageOf(error) })
      return undefined
    }
  }

  parse({ actions, shapes }: StoreSchema): ParsedStore {
    const { policies, templates = [], links = [], entities = [], rego } = this.#store
    this.#once(
      'policies',
      [...policies, ...links].map(({ id }) => id),
    )
    this.#once(
      'templates',
      templates.map(({ id }) => id),
    )
    const read =
      (where: string, parse: (text: string) => unknown) =>
      (policy: { readonly id: string; readonly text: string }): [string, unknown] => {
        const json = this.part(`${where}/${policy.id}`, () => parse(policy.text))
        this.#own(`${where}/${policy.id}`, entityNamesIn(json))
        return [policy.id, json]
      }
    const parsed: ParsedStore = {
      policies: policies.map(read('policies', parsePolicy)),
      templates: templates.map(read('templates', parseTemplate)),
      entities: [
        ...actions.map(({ uid, parents }) => ({ uid, attrs: {}, parents })),
        ...entities.map(({ uid, attrs, parents, tags }) => ({
          uid,
          attrs: meant(attrs, shapes.get(uid.type)) as Record<string, unknown>,
          parents,
          ...(tags === undefined ? {} : { tags }),
        })),
      ],
      shapes: Object.fromEntries(shapes),
    }
    for (const { id, principal, resource } of links) this.#link(id, [principal, resource])
    for (const { uid, attrs, parents, tags } of entities) {
      const where = `entities/${uid.type}::${JSON.stringify(uid.id)}`
      this.#own(where, [uid, ...parents, ...entityNamesIn(attrs), ...entityNamesIn(tags)])
      if (TYPES_OF_REQUESTS.has(uid.type) || /(?:^|::)Action$/.test(uid.type)) {
        this.#problem(where, `what is known of a ${uid.type} comes with each request`)
      }
    }
    const wrong = rego === undefined ? undefined : regoProblem(rego)
    if (wrong !== undefined) this.#problem('rego', wrong)
    return parsed
  }

  /** By Cedar's own rules. */
  validate({ text }: StoreSchema): void {
    const { policies, templates = [], links = [], entities = [] } = this.#store
    const values = (link: (typeof links)[number]) => ({
      ...(link.principal === undefined ? {} : { '?principal': parseEntityName(link.principal) }),
      ...(link.resource === undefined ? {} : { '?resource': parseEntityName(link.resource) }),
    })
    const set = {
      staticPolicies: Object.fromEntries(policies.map((policy) => [policy.id, policy.text])),
      templates: Object.fromEntries(templates.map((policy) => [policy.id, policy.text])),
      templateLinks: links.map((link) => ({
        newId: link.id,
        templateId: link.template,
        values: values(link),
      })),
    }
    const answer = withCedar((engine) => engine.validate({ schema: text, policies: set }))
    if (answer.type === 'failure') {
      this.#problem('policies', messagesOf(answer.errors))
      return
    }
    for (const { policyId, error } of answer.validationErrors) {
      this.#problem(`policies/${policyId}`, messagesOf([error]))
    }
    for (const { policyId, error } of answer.validationWarnings) {
      this.warnings.push({ where: `policies/${policyId}`, message: messagesOf([error]) })
    }
    const check = withCedar((engine) =>
      engine.checkParseEntities({ entities: entities as CedarEntities, schema: text }),
    )
    if (check.type === 'failure') this.#problem('entities', messagesOf(check.errors))
  }

  #link(id: string, names: readonly (string | undefined)[]): void {
    for (const name of names) {
      if (name === undefined) continue
      const entity = this.part(`links/${id}`, () => parseEntityName(name))
      if (entity !== undefined) this.#own(`links/${id}`, [entity])
    }
  }

  #own(where: string, names: readonly { readonly type: string; readonly id: string }[]): void {
    // Not said of which tenant: whoever writes here may only know its own.
    if (names.some((name) => !isOwn(this.#tenant, name))) {
      this.#problem(where, `ids of entities here begin with ${this.#tenant}/`)
    }
  }

  #once(where: string, ids: readonly string[]): void {
    if (new Set(ids).size < ids.length) this.#problem(where, 'an id is there twice')
  }

  #problem(where: string, message: string): void {
    this.problems.push({ where, message })
  }
}
