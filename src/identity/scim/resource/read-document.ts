import { type Attribute, attributeNamed, type ResourceSchema } from '../schema/attribute.ts'
import type { Document, Element, Simple } from './document.ts'
import { namedEntries, readElement, readElements, readSimple } from './read-value.ts'

/**
 * Reads a resource that a client sends as a whole (RFC 7644, sections 3.3 and 3.5.1). What is not
 * kept here, or not for clients to write, is left out.
 * @throws ScimError `invalidValue`, `invalidSyntax`
 */
export function readDocument(schema: ResourceSchema, raw: unknown): Document {
  const document: Record<string, Document[string]> = {}
  for (const [attribute, given] of namedEntries(writable(schema), raw, 'a resource')) {
    const value = readAttribute(attribute, given)
    if (value !== undefined) document[attribute.name] = value
  }
  return document
}

/** The value of a whole attribute, or undefined. @throws ScimError `invalidValue`, `invalidSyntax` */
export function readAttribute(attribute: Attribute, raw: unknown): Document[string] | undefined {
  if (attribute.type !== 'complex') return readSimple(attribute, raw)
  if (attribute.multiValued) {
    const elements = readElements(attribute, raw)
    return elements.length === 0 ? undefined : elements
  }
  return raw === null || raw === undefined ? undefined : assigned(readElement(attribute, raw))
}

/** An element without parts is no element. */
export function assigned(element: Record<string, Simple> | Element): Element | undefined {
  return Object.keys(element).length === 0 ? undefined : element
}

function writable(schema: ResourceSchema): readonly Attribute[] {
  const externalId = attributeNamed(schema.common, 'externalId')
  return externalId === undefined ? schema.attributes : [...schema.attributes, externalId]
}
