import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { builtInActions, builtInSchema, type OperationAction } from './built-in-schema.ts'
import { messagesOf, withCedar } from './cedar-engine.ts'
import { type Shape, shapeOf } from './shapes.ts'

interface Name {
  readonly type: string
  readonly id: string
}

/** An action as an entity. */
export interface ActionEntry {
  readonly uid: Name
  readonly parents: Name[]
}

/** The platform's schema and a tenant's own as one. */
export interface StoreSchema {
  /** In Cedar's own syntax. */
  readonly text: string
  /** The actions with what each is part of. */
  readonly actions: readonly ActionEntry[]
  /** By entity type, and by action for its context: `Action::"GET"`. */
  readonly shapes: ReadonlyMap<string, Shape>
}

const memberSchema = z.object({ id: z.string(), type: z.string().optional() })

const namespaceSchema = z.object({
  commonTypes: z.record(z.string(), z.unknown()).default({}),
  entityTypes: z.record(z.string(), z.object({ shape: z.unknown().optional() })).default({}),
  actions: z.record(
    z.string(),
    z.object({
      memberOf: z.array(memberSchema).nullish(),
      appliesTo: z.object({ context: z.unknown().optional() }).nullish(),
    }),
  ),
})

const schemaSchema = z.record(z.string(), namespaceSchema)

/**
 * Adds a tenant's own declarations to the platform's. They stand in namespaces of their own.
 * @throws RingfenceError `invalid_argument`
 */
export function storeSchema(
  own: string | undefined,
  operations: readonly OperationAction[],
): StoreSchema {
  const builtIn = builtInSchema(operations)
  if (own === undefined || own.trim() === '') {
    return { text: builtIn, actions: builtInActions(operations), shapes: new Map() }
  }
  const text = `${builtIn}\n${own}`
  const [before, after] = [resolved(builtIn), resolved(text)]
  if (JSON.stringify(before['']) !== JSON.stringify(after[''])) {
    throw refused('what it declares stands in a namespace: namespace Clinic { … }')
  }
  const namespaces = Object.entries(schemaSchema.parse(after))
  const common = new Map(
    namespaces.flatMap(([namespace, { commonTypes }]) =>
      Object.entries(commonTypes).map(([name, type]) => [inside(namespace, name), type] as const),
    ),
  )
  const shapes = namespaces.flatMap(([namespace, { entityTypes, actions }]) => [
    ...Object.entries(entityTypes).map(
      ([name, { shape }]) => [inside(namespace, name), shapeOf(shape, common)] as const,
    ),
    ...Object.entries(actions).map(
      ([name, { appliesTo }]) =>
        [
          `${inside(namespace, 'Action')}::${JSON.stringify(name)}`,
          shapeOf(appliesTo?.context, common),
        ] as const,
    ),
  ])
  return { text, actions: namespaces.flatMap(actionsOf), shapes: new Map(shapes) }
}

function actionsOf([namespace, { actions }]: [string, z.output<typeof namespaceSchema>]) {
  const type = inside(namespace, 'Action')
  return Object.entries(actions).map(([id, { memberOf }]) => ({
    uid: { type, id },
    attrs: {},
    parents: (memberOf ?? []).map((group) => ({ type: group.type ?? type, id: group.id })),
  }))
}

function resolved(text: string): Readonly<Record<string, unknown>> {
  const answer = withCedar((engine) => engine.schemaToJsonWithResolvedTypes(text))
  if (answer.type === 'success') return answer.json
  throw refused(messagesOf(answer.errors))
}

const inside = (namespace: string, name: string) =>
  namespace === '' ? name : `${namespace}::${name}`

function refused(why: string): RingfenceError {
  return new RingfenceError('invalid_argument', `the schema cannot be used: ${why}`)
}
