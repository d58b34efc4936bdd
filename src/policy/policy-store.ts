import { RingfenceError } from '../core/errors.ts'
import type { Environment } from './cedar/environment.ts'
import { entryOfJson, EntityStore } from './cedar/entity-store.ts'
import { entityOfJson } from './cedar/json-value.ts'
import { type CompiledPolicy, compilePolicy } from './cedar/policy.ts'
import { PolicyCollection, type Verdict } from './cedar/policy-set.ts'
import type { EntityRef } from './cedar/value.ts'
import { type Link, parseEntityName, type ParsedStore } from './parse-policies.ts'
import { checkPolicySize } from './policy-size.ts'
import { type Shape, shapeSchema } from './shapes.ts'

/** Policies ready to decide, with the entities that stay. */
export interface PolicyStore {
  readonly entities: EntityStore
  /** By entity type, and by action for its context. */
  readonly shapes: ReadonlyMap<string, Shape>
  readonly size: number
  evaluate(environment: Environment): Verdict
}

/** @throws RingfenceError `invalid_argument` for anything that cannot be read whole */
export function compileStore(
  { policies, templates, entities, shapes }: ParsedStore,
  links: readonly Link[],
): PolicyStore {
  const byId = new Map(templates)
  const linked = links.map(({ template }) => byId.get(template))
  checkPolicySize([...policies.map(([, json]) => json), ...linked])
  const known = new EntityStore(entities.map(entryOfJson))
  const all = [
    ...policies.map(([id, json]) => compilePolicy(id, json, new Map())),
    ...links.map((link) => compileLink(link, byId)),
  ]
  if (new Set(all.map(({ id }) => id)).size < all.length) throw refused('an id is there twice')
  const collection = new PolicyCollection(all)
  return {
    entities: known,
    shapes: new Map(
      Object.entries(shapes).map(([name, shape]) => [name, shapeSchema.parse(shape)]),
    ),
    size: all.length,
    evaluate: (environment) => collection.evaluate(environment),
  }
}

function compileLink(
  { id, template, principal, resource }: Link,
  templates: ReadonlyMap<string, unknown>,
): CompiledPolicy {
  const json = templates.get(template)
  if (json === undefined) throw refused(`there is no template ${template}`)
  const slots = new Map<string, EntityRef>()
  if (principal !== undefined) slots.set('?principal', entityNamed(principal))
  if (resource !== undefined) slots.set('?resource', entityNamed(resource))
  return compilePolicy(id, json, slots)
}

const PLAIN = /^((?:[A-Za-z_]\w*::)*[A-Za-z_]\w*)::"([^"\\]*)"$/

function entityNamed(text: string): EntityRef {
  const [, type, id] = PLAIN.exec(text) ?? []
  // Most are plain; Cedar's reader knows the rest.
  return entityOfJson(type === undefined ? parseEntityName(text) : { type, id })
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the policy store cannot be read: ${why}`)
}
