import type { Filter } from '../filter/filter.ts'
import { comparableOf, matches } from '../filter/matches.ts'
import type { Element, Simple } from '../resource/document.ts'
import {
  ELEMENTS_MAX,
  isUnassigned,
  readElement,
  readElements,
  readSimple,
} from '../resource/read-value.ts'
import { ScimError } from '../scim-error.ts'
import { type Attribute, attributeNamed } from '../schema/attribute.ts'
import type { Operation } from './patch-request.ts'

/** The elements of an attribute after an operation. @throws ScimError `invalidValue`, `noTarget` */
export function changeElements(
  elements: readonly Element[],
  operation: Operation,
): readonly Element[] {
  const { attribute, filter, sub } = operation.target
  const changed =
    filter === undefined && sub === undefined
      ? changeAll(elements, operation)
      : changeSome(elements, operation)
  if (changed.length > ELEMENTS_MAX) {
    throw new ScimError('invalidValue', `${attribute.name} has too many values`)
  }
  // What has lost its value is nothing any more.
  return changed.filter((one) => one['value'] !== undefined)
}

function changeAll(elements: readonly Element[], { op, target, value }: Operation) {
  const { attribute } = target
  const given = readElements(attribute, value)
  if (op === 'replace') return given
  const keyed = byValue(attribute, given)
  if (op === 'add') {
    const kept = elements.map((one) => ({ ...one, ...keyed.get(keyOf(attribute, one)) }))
    const before = byValue(attribute, elements)
    const added = [...keyed].filter(([key]) => !before.has(key)).map(([, one]) => one)
    return onePrimary([...kept, ...added], given)
  }
  // Entra ID names in the value what shall go. An empty list names nothing.
  if (value === undefined || value === null) return []
  return elements.filter((one) => !keyed.has(keyOf(attribute, one)))
}

/** Changes those that fulfil the filter; all, when the path has none. */
function changeSome(elements: readonly Element[], { op, target, value }: Operation) {
  const { attribute, filter, sub } = target
  const isMeant = (one: Element) => filter === undefined || matches(filter, one)
  if (op === 'remove' || isUnassigned(value)) {
    if (sub === undefined) return elements.filter((one) => !isMeant(one))
    return elements.map((one) => (isMeant(one) ? without(one, sub.name) : one))
  }
  const said: Element =
    sub === undefined ? readElement(attribute, value) : { [sub.name]: required(sub, value) }
  if (!elements.some(isMeant)) {
    const made = filter === undefined ? {} : elementOfFilter(filter)
    if (made === undefined) throw new ScimError('noTarget', 'no value fulfils the filter')
    return onePrimary([...elements, { ...made, ...said }], [{ ...made, ...said }])
  }
  const changed = elements.map((one) => (isMeant(one) ? { ...one, ...said } : one))
  return onePrimary(
    changed,
    said['primary'] === true ? changed.filter((one, n) => isMeant(elements[n] ?? one)) : [],
  )
}

/** When one is made primary, the others are not any more (RFC 7644, section 3.5.2). */
function onePrimary(elements: readonly Element[], made: readonly Element[]): readonly Element[] {
  const first = made.find((one) => one['primary'] === true)
  if (first === undefined) return elements
  return elements.map((one) =>
    one['primary'] === true && one['value'] !== first['value'] ? { ...one, primary: false } : one,
  )
}

/**
 * The element that a filter describes: `type eq "work"`. Entra ID replaces what is not there yet, and
 * means to add it.
 */
function elementOfFilter(filter: Filter): Element | undefined {
  if (filter.kind === 'compare' && filter.op === 'eq' && typeof filter.value !== 'number') {
    return { [filter.at.attribute.name]: filter.value }
  }
  if (filter.kind !== 'and') return undefined
  const parts = filter.of.map(elementOfFilter)
  return parts.every((one) => one !== undefined) ? Object.assign({}, ...parts) : undefined
}

function byValue(attribute: Attribute, elements: readonly Element[]): Map<unknown, Element> {
  return new Map(elements.map((one) => [keyOf(attribute, one), one]))
}

function keyOf(attribute: Attribute, element: Element): unknown {
  const part = attributeNamed(attribute.subAttributes ?? [], 'value')
  return part === undefined ? undefined : comparableOf(part, element['value'])
}

function required(attribute: Attribute, value: unknown): Simple {
  const read = readSimple(attribute, value)
  if (read === undefined) throw new ScimError('invalidValue', `${attribute.name} has no value`)
  return read
}

function without(element: Element, name: string): Element {
  const { [name]: _gone, ...others } = element
  return others
}
