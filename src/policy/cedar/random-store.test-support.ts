import type { CedarValueJson, EntityJson, EntityUid } from '@cedar-policy/cedar-wasm/nodejs'
import { Random } from './random.test-support.ts'
import {
  IDS,
  KINDS,
  LITERALS,
  LONGS,
  NAME_OF,
  quoted,
  RandomExpression,
  STRINGS,
  TYPES,
} from './random-expression.test-support.ts'
import { EXTENSION_CALLS } from './extension-calls.ts'

export interface RandomRequest {
  readonly principal: EntityUid
  readonly action: EntityUid
  readonly resource: EntityUid
  readonly context: Record<string, CedarValueJson>
}

export interface RandomStore {
  readonly policies: Readonly<Record<string, string>>
  readonly templates: Readonly<Record<string, string>>
  readonly links: readonly {
    readonly id: string
    readonly template: string
    readonly principal?: { readonly type: string; readonly id: string }
    readonly resource?: { readonly type: string; readonly id: string }
  }[]
  readonly entities: EntityJson[]
  readonly requests: readonly RandomRequest[]
}

const ACTIONS: EntityJson[] = [
  { uid: { type: 'Action', id: 'view' }, attrs: {}, parents: [{ type: 'Action', id: 'read' }] },
  { uid: { type: 'Action', id: 'edit' }, attrs: {}, parents: [{ type: 'Action', id: 'write' }] },
  { uid: { type: 'Action', id: 'write' }, attrs: {}, parents: [{ type: 'Action', id: 'read' }] },
]
const REQUESTS = 20

/** A store with requests, the same for one seed. */
export function randomStore(seed: number): RandomStore {
  return new Maker(new Random(seed)).store()
}

class Maker {
  readonly #random: Random
  readonly #expression: RandomExpression

  constructor(random: Random) {
    this.#random = random
    this.#expression = new RandomExpression(random)
  }

  store(): RandomStore {
    const random = this.#random
    const policies = Array.from({ length: 1 + random.below(5) }, () => this.#policy(false))
    const templates = random.some(2, () => this.#policy(true))
    const named = (texts: readonly string[], prefix: string) =>
      Object.fromEntries(texts.map((text, index) => [`${prefix}${index}`, text]))
    return {
      policies: named(policies, 'p'),
      templates: named(templates, 't'),
      links: templates.flatMap((text, index) => this.#links(text, `t${index}`)),
      entities: [...ACTIONS, ...this.#entities()],
      requests: Array.from({ length: REQUESTS }, () => ({
        principal: this.#uid(),
        action: { type: 'Action', id: random.of(['view', 'edit', 'read', 'write', 'other']) },
        resource: this.#uid(),
        context: this.#fields(0.8),
      })),
    }
  }

  /** Mostly one of a few, so that policies and requests are about the same ones. */
  #uid() {
    const random = this.#random
    if (random.chance(0.8)) return { type: random.of(['User', 'Doc']), id: random.of(['a', 'b']) }
    return { type: random.of(TYPES), id: random.of(IDS) }
  }

  #policy(isTemplate: boolean): string {
    const random = this.#random
    const effect = random.chance(0.65) ? 'permit' : 'forbid'
    const principal = this.#scope('principal', isTemplate)
    const resource = this.#scope(
      'resource',
      isTemplate && principal.includes('?') ? 'maybe' : isTemplate,
    )
    const clauses = random.some(3, () => {
      const body = this.#expression.of('boolean', 3)
      return ` ${random.chance(0.75) ? 'when' : 'unless'} { ${body} }`
    })
    return `${effect}(${principal}, ${this.#actionScope()}, ${resource})${clauses.join('')};`
  }

  #scope(of: 'principal' | 'resource', slot: boolean | 'maybe'): string {
    const random = this.#random
    const target = () => {
      const fill = slot === true || (slot === 'maybe' && random.chance(0.5))
      if (fill) return `?${of}`
      const { type, id } = this.#uid()
      return `${type}::${quoted(id)}`
    }
    switch (slot === true ? 1 + random.below(3) : random.below(10)) {
      case 1:
        return `${of} == ${target()}`
      case 2:
        return `${of} in ${target()}`
      case 3:
        return `${of} is ${random.of(TYPES)} in ${target()}`
      case 4:
        return `${of} is ${random.of(TYPES)}`
      default:
        return of
    }
  }

  #actionScope(): string {
    const random = this.#random
    const one = () => `Action::"${random.of(['view', 'edit', 'read', 'write'])}"`
    switch (random.below(6)) {
      case 0:
        return `action == ${one()}`
      case 1:
        return `action in ${one()}`
      case 2:
        return `action in [${random.some(2, one).join(', ')}]`
      default:
        return 'action'
    }
  }

  #links(text: string, template: string): RandomStore['links'][number][] {
    let count = 0
    return this.#random.some(2, () => ({
      id: `${template}-${count++}`,
      template,
      ...(text.includes('?principal') ? { principal: this.#uid() } : {}),
      ...(text.includes('?resource') ? { resource: this.#uid() } : {}),
    }))
  }

  #entities(): EntityJson[] {
    const random = this.#random
    const uids = TYPES.flatMap((type) => IDS.map((id) => ({ type, id })))
    const there = uids.filter(() => random.chance(0.25))
    return there.map((uid, index) => ({
      uid,
      attrs: this.#fields(0.7),
      // Only what comes after it, so that none is above itself.
      parents: random.chance(0.6)
        ? random.some(2, () => random.of([...there.slice(index + 1), { type: 'Group', id: 'far' }]))
        : [],
      ...(random.chance(0.3) ? { tags: this.#fields(0.5) } : {}),
    }))
  }

  /** Each attribute with the kind of value that it is meant to have, mostly. */
  #fields(share: number): Record<string, CedarValueJson> {
    const random = this.#random
    return Object.fromEntries(
      KINDS.filter(() => random.chance(share)).map((kind) => [
        NAME_OF[kind] ?? '',
        this.#value(random.chance(0.95) ? kind : random.of(KINDS), 2),
      ]),
    )
  }

  #value(kind: string, depth: number): CedarValueJson {
    const random = this.#random
    switch (kind) {
      case 'boolean':
        return random.chance(0.5)
      case 'long':
        return random.of(LONGS)
      case 'string':
        return random.of(STRINGS)
      case 'entity':
        return { __entity: this.#uid() }
      case 'set': {
        const of = depth > 0 ? random.of(KINDS) : 'long'
        return random.some(3, () => this.#value(of, depth - 1))
      }
      case 'record':
        return depth > 0 ? this.#fields2(depth - 1) : {}
      default:
        return this.#extension(kind as keyof typeof LITERALS)
    }
  }

  #fields2(depth: number): Record<string, CedarValueJson> {
    const kinds = KINDS.filter(() => this.#random.chance(0.4))
    return Object.fromEntries(kinds.map((kind) => [NAME_OF[kind] ?? '', this.#value(kind, depth)]))
  }

  #extension(fn: keyof typeof LITERALS): CedarValueJson {
    // Data with a value that there is not would be refused whole.
    const good = LITERALS[fn].filter((text) => EXTENSION_CALLS.get(fn)?.run([text]) !== undefined)
    return { __extn: { fn, arg: this.#random.of(good) } }
  }
}
