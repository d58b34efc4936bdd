import type { Entities, EntityData, Environment } from './cedar/environment.ts'
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
  question: Question,
  { entities }: Pick<PolicyStore, 'entities'>,
): Environment {
  return new Asking(question, entities)
}

/** Made for one decision: what policies do not ask for is not made. */
class Asking implements Environment, Entities {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly actionKey: string
  readonly resource: EntityRef
  why = ''
  readonly #question: Question
  readonly #others: Entities
  #context: CedarRecord | undefined
  #asking: EntityData | undefined
  #asked: EntityData | undefined

  constructor(question: Question, others: Entities) {
    const { principal, action, resource } = question
    this.principal = principal.ref
    this.action = action.ref
    this.actionKey = action.key
    this.resource = resource.ref
    this.#question = question
    this.#others = others
  }

  get context(): CedarRecord {
    this.#context ??= new CedarRecord(this.#question.context)
    return this.#context
  }

  get entities(): Entities {
    return this
  }

  get(key: string): EntityData | undefined {
    if (key === this.principal.key) return this.#principal
    if (key === this.resource.key) return this.#resource
    const { parents } = this.#question.action
    if (key !== this.action.key || parents.length === 0) return this.#others.get(key)
    return new RequestEntity(NO_ATTRIBUTES, parents, this.#others)
  }

  get #principal(): EntityData {
    const { attributes, parents } = this.#question.principal
    this.#asking ??= new RequestEntity(attributes, parents, this.#others)
    return this.#asking
  }

  get #resource(): EntityData {
    this.#asked ??= this.#both()
    return this.#asked
  }

  #both(): EntityData {
    const { attributes, parents } = this.#question.resource
    const asked = new RequestEntity(attributes, parents, this.#others)
    const known = this.#others.get(this.resource.key)
    if (known === undefined) return asked
    return {
      attributes,
      tags: known.tags,
      isBelow: (key: string) => asked.isBelow(key) || known.isBelow(key),
    }
  }
}
