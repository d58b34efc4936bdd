import type { CedarRecord, EntityRef, Value } from './value.ts'

/** What is known of an entity. */
export interface EntityData {
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags: ReadonlyMap<string, Value>
  /** Whether an entity is above it, at whatever distance. */
  isBelow(key: string): boolean
}

export interface Entities {
  /** @param key of an `EntityRef` */
  get(key: string): EntityData | undefined
}

/** What one request is decided by. */
export interface Environment {
  readonly principal: EntityRef
  readonly action: EntityRef
  readonly resource: EntityRef
  readonly context: CedarRecord
  readonly entities: Entities
  /** Names the action together with what it is part of, as `entities` says. Default: the action's own. */
  readonly actionKey?: string
  /** What the last error was. */
  why: string
}

/** Something of a policy, ready to be evaluated. Undefined: an error, which `why` tells. */
export type Run = (environment: Environment) => Value | undefined

export function failed(environment: Environment, why: string): undefined {
  environment.why = why
  return undefined
}
