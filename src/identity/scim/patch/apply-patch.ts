import { ScimError } from '../scim-error.ts'
import type { Document } from '../resource/document.ts'
import { elementOf, elementsOf } from '../resource/document.ts'
import { assigned, readAttribute } from '../resource/read-document.ts'
import { isUnassigned, readElement, readSimple } from '../resource/read-value.ts'
import type { Attribute } from '../schema/attribute.ts'
import { changeElements } from './change-elements.ts'
import type { Operation } from './patch-request.ts'

/**
 * Makes the changes of a patch, one after another (RFC 7644, section 3.5.2). Returns a new document.
 * Not with `scim-patch`: it knows no schema, so that it follows a path into `Object.prototype`, and
 * names compare with case. A test holds what both can do to the same outcome.
 * @throws ScimError `invalidValue`, `mutability`, `noTarget`
 */
export function applyPatch(document: Document, operations: readonly Operation[]): Document {
  return operations.reduce(applyOne, document)
}

function applyOne(document: Document, operation: Operation): Document {
  const { attribute, sub } = operation.target
  if (attribute.multiValued) {
    const changed = changeElements(elementsOf(document, attribute.name), operation)
    return put(document, attribute, changed.length === 0 ? undefined : changed)
  }
  if (sub !== undefined) {
    const { [sub.name]: _before, ...others } = elementOf(document, attribute.name)
    const value = operation.op === 'remove' ? undefined : readSimple(sub, operation.value)
    const element = value === undefined ? others : { ...others, [sub.name]: value }
    return put(document, attribute, assigned(element))
  }
  if (operation.op === 'remove' || isUnassigned(operation.value)) {
    return put(document, attribute, undefined)
  }
  if (attribute.type !== 'complex') {
    return put(document, attribute, readAttribute(attribute, operation.value))
  }
  return put(document, attribute, assigned(mergedParts(document, attribute, operation.value)))
}

/** Parts that the value does not name stay as they are; those that it unassigns go. */
function mergedParts(document: Document, attribute: Attribute, value: unknown) {
  const said = readElement(attribute, value)
  const named = new Set(Object.keys(value as object).map((name) => name.toLowerCase()))
  const kept = Object.entries(elementOf(document, attribute.name)).filter(
    ([name]) => !named.has(name.toLowerCase()),
  )
  return { ...Object.fromEntries(kept), ...said }
}

function put(
  document: Document,
  attribute: Attribute,
  value: Document[string] | undefined,
): Document {
  if (value !== undefined) return { ...document, [attribute.name]: value }
  if (attribute.required) {
    throw new ScimError('mutability', `${attribute.name} cannot be taken away`)
  }
  const { [attribute.name]: _gone, ...others } = document
  return others
}
