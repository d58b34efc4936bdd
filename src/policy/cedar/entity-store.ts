import { RingfenceError } from '../../core/errors.ts'
import type { Entities, EntityData } from './environment.ts'
import { entityOfJson, fieldsOfJson } from './json-value.ts'
import type { EntityRef, Value } from './value.ts'

const NOTHING: ReadonlyMap<string, Value> = new Map()

/** An entity in Cedar's JSON form. */
export interface EntityJson {
  readonly uid: unknown
  readonly attrs: Readonly<Record<string, unknown>>
  readonly parents: readonly unknown[]
  readonly tags?: Readonly<Record<string, unknown>> | undefined
}

/** One entity with its direct parents, before what is above those is known. */
export interface Entry {
  readonly uid: EntityRef
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags?: ReadonlyMap<string, Value>
  readonly parents: readonly EntityRef[]
}

/** @throws RingfenceError `invalid_argument` */
export function entryOfJson({ uid, attrs, parents, tags = {} }: EntityJson): Entry {
  return {
    uid: entityOfJson(uid),
    attributes: fieldsOfJson(attrs),
    parents: parents.map(entityOfJson),
    tags: fieldsOfJson(tags),
  }
}

/** Entities that stay the same from one request to the next. */
export class EntityStore implements Entities {
  readonly #known: ReadonlyMap<string, EntityData>

  /** @throws RingfenceError `invalid_argument` for one that is there twice, or above itself */
  constructor(entries: readonly Entry[]) {
    const byKey = new Map(entries.map((entry) => [entry.uid.key, entry]))
    if (byKey.size < entries.length) throw refused('an entity is there twice')
    const above = new Map<string, ReadonlySet<string>>()
    this.#known = new Map(
      entries.map(({ uid, attributes, tags = NOTHING }) => {
        const ancestors = ancestorsOf(uid.key, byKey, above)
        return [uid.key, { attributes, tags, isBelow: (key: string) => ancestors.has(key) }]
      }),
    )
  }

  get(key: string): EntityData | undefined {
    return this.#known.get(key)
  }
}

/** One entity of a request, in front of those that stay. */
export class RequestEntity implements EntityData {
  readonly attributes: ReadonlyMap<string, Value>
  readonly tags = NOTHING
  readonly #parents: readonly EntityRef[]
  readonly #others: Entities

  constructor(
    attributes: ReadonlyMap<string, Value>,
    parents: readonly EntityRef[],
    others: Entities,
  ) {
    this.attributes = attributes
    this.#parents = parents
    this.#others = others
  }

  isBelow(key: string): boolean {
    for (const parent of this.#parents) {
      if (parent.key === key || this.#others.get(parent.key)?.isBelow(key) === true) return true
    }
    return false
  }
}

function ancestorsOf(
  key: string,
  entries: ReadonlyMap<string, Entry>,
  above: Map<string, ReadonlySet<string>>,
): ReadonlySet<string> {
  // By a list of what is still to do: a chain may be longer than the stack.
  const open = [key]
  const under = new Set<string>()
  while (open.length > 0) {
    const one = open.at(-1) ?? ''
    const parents = entries.get(one)?.parents ?? []
    const missing = parents.find((parent) => !above.has(parent.key))
    if (above.has(one)) open.pop()
    else if (missing === undefined) {
      const all = new Set<string>()
      for (const parent of parents) {
        all.add(parent.key)
        for (const further of above.get(parent.key) ?? []) all.add(further)
      }
      above.set(one, all)
      under.delete(one)
      open.pop()
    } else {
      if (under.has(missing.key) || missing.key === one) throw refused('an entity is above itself')
      under.add(one)
      open.push(missing.key)
    }
  }
  return above.get(key) ?? new Set()
}

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the policy store cannot be read: ${why}`)
}
