import { truthOf } from '../filter/compared-value.ts'
import { ScimError } from '../scim-error.ts'
import { type Attribute, attributeNamed } from '../schema/attribute.ts'
import { isPlainText } from '../schema/plain-text.ts'
import type { Element, Simple } from './document.ts'

const TEXT_LENGTH_MAX = 1_000
/** Enough for the members of a group that comes as a whole. */
export const ELEMENTS_MAX = 10_000

/** One value of an attribute that has no parts; undefined: unassigned. @throws ScimError `invalidValue` */
export function readSimple(attribute: Attribute, raw: unknown): Simple | undefined {
  if (isUnassigned(raw)) return undefined
  if (attribute.type === 'boolean') {
    const truth = truthOf(raw)
    if (truth === undefined) throw refused(`${attribute.name} is true or false`)
    return truth
  }
  if (typeof raw !== 'string') throw refused(`${attribute.name} is a string`)
  if (raw.length > TEXT_LENGTH_MAX || !isPlainText(raw)) {
    throw refused(`${attribute.name} is too long, or has characters that it may not have`)
  }
  return raw
}

/**
 * One element; a string alone is its `value`. Parts that are not known or not for clients to write are
 * left out.
 * @throws ScimError `invalidValue`, `invalidSyntax`
 */
export function readElement(attribute: Attribute, raw: unknown): Element {
  if (typeof raw === 'string' && attribute.multiValued)
    return readElement(attribute, { value: raw })
  const element: Record<string, Simple> = {}
  for (const [part, given] of namedEntries(attribute.subAttributes ?? [], raw, attribute.name)) {
    if (part.mutability === 'readOnly') continue
    const value = readSimple(part, given)
    if (value !== undefined) element[part.name] = value
  }
  return element
}

/** All elements; one alone is a list of one. @throws ScimError `invalidValue`, `invalidSyntax` */
export function readElements(attribute: Attribute, raw: unknown): readonly Element[] {
  if (isUnassigned(raw)) return []
  const list: readonly unknown[] = Array.isArray(raw) ? raw : [raw]
  if (list.length > ELEMENTS_MAX) throw refused(`${attribute.name} has too many values`)
  const elements = list.map((one) => readWholeElement(attribute, one))
  if (elements.filter((one) => one['primary'] === true).length > 1) {
    throw refused(`${attribute.name} has more than one that is primary`)
  }
  return elements.filter((one) => one['value'] !== undefined)
}

/** An element with a value; or none that says so, which some clients send. */
function readWholeElement(attribute: Attribute, raw: unknown): Element {
  const element = readElement(attribute, raw)
  const isNamed =
    typeof raw === 'object' && Object.keys(raw ?? {}).some((name) => /^value$/i.test(name))
  if (element['value'] === undefined && !isNamed) throw refused(`${attribute.name} has no value`)
  return element
}

/**
 * The members of an object that have a name among the attributes, in whatever case.
 * @throws ScimError `invalidSyntax` when it is no object, or one name is there twice
 */
export function namedEntries(
  attributes: readonly Attribute[],
  raw: unknown,
  what: string,
): ReadonlyMap<Attribute, unknown> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new ScimError('invalidSyntax', `${what} is an object`)
  }
  const found = new Map<Attribute, unknown>()
  for (const [name, value] of Object.entries(raw)) {
    const attribute = attributeNamed(attributes, name)
    if (attribute === undefined) continue
    if (found.has(attribute))
      throw new ScimError('invalidSyntax', `${attribute.name} is there twice`)
    found.set(attribute, value)
  }
  return found
}

/** RFC 7643, section 2.5; and an empty string, which nothing here could hold. */
export function isUnassigned(raw: unknown): boolean {
  return raw === undefined || raw === null || raw === '' || (Array.isArray(raw) && raw.length === 0)
}

function refused(why: string): ScimError {
  return new ScimError('invalidValue', why)
}
