import type { Environment } from './cedar/environment.ts'
import { RequestEntity } from './cedar/entity-store.ts'
import { CedarRecord, type EntityRef, type Value } from './cedar/value.ts'
import type { PrincipalEntity } from './caller.ts'
import type { PolicyStore } from './policy-store.ts'

export interface ResourceEntity {
  readonly ref: EntityRef
  readonly attributes: ReadonlyMap<string, Value>
  readonly parents: readonly EntityRef[]
}

/** An action with all that it is part of, whether or not a store's schema has it. */
export class ActionEntity {
  readonly ref: EntityRef
  readonly parents: readonly EntityRef[]
  readonly key: string

  constructor(ref: EntityRef, parents: readonly EntityRef[]) {
    this.ref = ref
    this.parents = parents
    this.key = [ref, ...parents].map(({ key }) => key).join()
  }
}

/** What is asked: may this principal do this to this. */
export interface Question {
  readonly principal: PrincipalEntity
  readonly action: ActionEntity
  readonly resource: ResourceEntity
  readonly context: ReadonlyMap<string, Value>
}

const NO_ATTRIBUTES: ReadonlyMap<string, Value> = new Map()

/**
 * The question with a store's own entities behind it. Of the resource, the store may know what it is
 * in; of the principal it may not.
 */
export function environmentOf(
  { principal, action, resource, context }: Question,
  { entities }: Pick<PolicyStore, 'entities'>,
): Environment {
  const asking = new RequestEntity(principal.attributes, principal.parents, entities)
  const known = entities.get(resource.ref.key)
  const asked = new RequestEntity(resource.attributes, resource.parents, entities)
  const both =
    known === undefined
      ? asked
      : {
          attributes: asked.attributes,
          tags: known.tags,
          isBelow: (key: string) => asked.isBelow(key) || known.isBelow(key),
        }
  const doing = new RequestEntity(NO_ATTRIBUTES, action.parents, entities)
  return {
    principal: principal.ref,
    action: action.ref,
    actionKey: action.key,
    resource: resource.ref,
    context: new CedarRecord(context),
    entities: {
      get(key) {
        if (key === principal.ref.key) return asking
        if (key === resource.ref.key) return both
        if (key !== action.ref.key) return entities.get(key)
        return action.parents.length > 0 ? doing : entities.get(key)
      },
    },
    why: '',
  }
}
