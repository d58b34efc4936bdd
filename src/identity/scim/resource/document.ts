/** A simple value, or an element of an attribute that has parts. */
export type Simple = string | boolean
export type Element = Readonly<Record<string, Simple>>

/**
 * What a client may write of a resource, in one form: attributes by their names in the schema, without
 * those that are unassigned; lists of elements also where there is one.
 */
export type Document = Readonly<Record<string, Simple | Element | readonly Element[]>>

export function textOf(document: Document, name: string): string | undefined {
  const value = document[name]
  return typeof value === 'string' ? value : undefined
}

export function elementOf(document: Document, name: string): Element {
  const value = document[name]
  return typeof value === 'object' && !isList(value) ? value : {}
}

export function elementsOf(document: Document, name: string): readonly Element[] {
  const value = document[name]
  return value !== undefined && isList(value) ? value : []
}

export function isList(value: Simple | Element | readonly Element[]): value is readonly Element[] {
  return Array.isArray(value)
}
