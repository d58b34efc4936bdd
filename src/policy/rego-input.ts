import { nameOf, plainOfFields } from './cedar/json-of-value.ts'
import type { EntityRef } from './cedar/value.ts'
import type { Question } from './question.ts'

/** A question as Rego's `input`: the same that Cedar is asked, in plain JSON. */
export function regoInput({ principal, action, resource, context }: Question) {
  const entity = (of: {
    readonly ref: EntityRef
    readonly attributes: Parameters<typeof plainOfFields>[0]
    readonly parents: readonly EntityRef[]
  }) => ({
    ...nameOf(of.ref),
    ...plainOfFields(of.attributes),
    parents: of.parents.map(nameOf),
  })
  return {
    principal: entity(principal),
    action: { ...nameOf(action.ref), parents: action.parents.map(nameOf) },
    resource: entity(resource),
    context: plainOfFields(context),
  }
}
