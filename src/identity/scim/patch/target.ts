import { FILTER_LENGTH_MAX, parseElementFilter } from '../filter/parse-filter.ts'
import type { Filter } from '../filter/filter.ts'
import { ScimError } from '../scim-error.ts'
import { type Attribute, attributeNamed, type ResourceSchema } from '../schema/attribute.ts'
import { attributePath } from '../schema/attribute-path.ts'

/** Where an operation changes something. */
export interface Target {
  readonly attribute: Attribute
  /** Of the elements of the attribute, those that fulfil it. */
  readonly filter?: Filter
  /** That part of the attribute, or of each of those elements. */
  readonly sub?: Attribute
}

/** `attribute`, or `attribute[filter]` and maybe `.part`. */
const WITH_FILTER = /^([^[]{1,400})\[(.*)\](?:\.([A-Za-z$][\w$-]{0,99}))?$/s

/**
 * Reads a path of RFC 7644, section 3.5.2; `leftOut` when it is of something that is not kept here.
 * @throws ScimError `invalidPath`, `invalidFilter`, `mutability`
 */
export function readTarget(schema: ResourceSchema, path: string): Target | 'leftOut' {
  if (path.length > 2 * FILTER_LENGTH_MAX)
    throw new ScimError('invalidPath', 'the path is too long')
  const [, head = path, inner, part] = WITH_FILTER.exec(path) ?? []
  const named = attributePath(schema, head)
  if (named === 'leftOut') return 'leftOut'
  if (named === undefined) throw notThere()
  const { attribute } = named
  if (attribute.mutability === 'readOnly' || named.sub?.mutability === 'readOnly') throw readOnly()
  if (inner === undefined) return named
  if (!attribute.multiValued || named.sub !== undefined) throw notThere()
  if (part !== undefined && schema.leftOut.has(`${attribute.name}.${part}`.toLowerCase())) {
    return 'leftOut'
  }
  const sub = part === undefined ? undefined : attributeNamed(attribute.subAttributes ?? [], part)
  if (part !== undefined && sub === undefined) throw notThere()
  if (sub?.mutability === 'readOnly') throw readOnly()
  const filter = parseElementFilter(attribute, inner)
  return { attribute, filter, ...(sub === undefined ? {} : { sub }) }
}

function notThere(): ScimError {
  return new ScimError('invalidPath', 'the path names an attribute that there is not')
}

function readOnly(): ScimError {
  return new ScimError('mutability', 'the attribute cannot be written')
}
