import { z } from 'zod'
import type { PolicyStoreConfig } from '../contracts/policy-store.ts'
import { RingfenceError } from '../core/errors.ts'
import { messagesOf, withCedar } from './cedar-engine.ts'

const entitySchema = z.object({
  uid: z.object({ type: z.string(), id: z.string() }),
  attrs: z.record(z.string(), z.unknown()),
  parents: z.array(z.object({ type: z.string(), id: z.string() })),
  tags: z.record(z.string(), z.unknown()).optional(),
})

/** A store as decisions read it: Cedar's JSON form of every text. */
export const parsedStoreSchema = z.object({
  policies: z.array(z.tuple([z.string(), z.unknown()])),
  templates: z.array(z.tuple([z.string(), z.unknown()])),
  /** The store's own, each value as it is meant, and the actions of its schema. */
  entities: z.array(entitySchema),
  /** What attributes of an entity type, and of an action's context, are meant to be. */
  shapes: z.record(z.string(), z.unknown()),
})

export type ParsedStore = z.output<typeof parsedStoreSchema>

/** @throws RingfenceError `invalid_argument` that says why */
export function parsePolicy(text: string): unknown {
  const answer = withCedar((engine) => engine.policyToJson(text))
  if (answer.type === 'success') return answer.json
  throw new RingfenceError('invalid_argument', messagesOf(answer.errors))
}

/** @throws RingfenceError `invalid_argument` that says why */
export function parseTemplate(text: string): unknown {
  const answer = withCedar((engine) => engine.templateToJson(text))
  if (answer.type === 'success') return answer.json
  throw new RingfenceError('invalid_argument', messagesOf(answer.errors))
}

/** An entity in Cedar's own syntax, `User::"acme/ada"`. @throws RingfenceError `invalid_argument` */
export function parseEntityName(text: string): { readonly type: string; readonly id: string } {
  const policy = principalPolicy(text)
  const read = z
    .object({
      principal: z.object({ entity: z.object({ type: z.string(), id: z.string() }) }),
      conditions: z.tuple([]),
      action: z.object({ op: z.literal('All') }),
      resource: z.object({ op: z.literal('All') }),
    })
    .safeParse(policy)
  if (read.success) return read.data.principal.entity
  throw noEntity()
}

/** By Cedar's own reader: it knows what may stand between quotes. */
function principalPolicy(text: string): unknown {
  try {
    return parsePolicy(`permit(principal == ${text}, action, resource);`)
  } catch (error) {
    // What it says is about a policy that nobody wrote.
    throw error instanceof RingfenceError ? noEntity() : error
  }
}

function noEntity(): RingfenceError {
  return new RingfenceError('invalid_argument', 'an entity is written as User::"acme/ada"')
}

/** What a store's `links` are links of, in their order. */
export type Link = NonNullable<PolicyStoreConfig['links']>[number]
