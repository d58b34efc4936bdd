import { type Filter as ParsedFilter, parse } from 'scim2-parse-filter'
import { ScimError } from '../scim-error.ts'
import { type Attribute, attributeNamed, type ResourceSchema } from '../schema/attribute.ts'
import { type AttributePath, attributePath } from '../schema/attribute-path.ts'
import { comparedValue } from './compared-value.ts'
import { COMPARISONS, type Filter } from './filter.ts'

export const FILTER_LENGTH_MAX = 2_000
const DEPTH_MAX = 10
const PARTS_MAX = 60

/** A string of JSON, a bracket, or anything else. */
const TOKEN = /"(?:[^"\\\p{Cc}]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|[^"]/gu

type Resolve = (path: string) => AttributePath | undefined

/** Reads a filter over whole resources. @throws ScimError `invalidFilter` */
export function parseFilter(schema: ResourceSchema, text: string): Filter {
  return parseWith(text, (path) => {
    const named = attributePath(schema, path)
    return named === 'leftOut' ? undefined : named
  })
}

/** Reads what stands between `[` and `]` after an attribute. @throws ScimError `invalidFilter` */
export function parseElementFilter(attribute: Attribute, text: string): Filter {
  return parseWith(text, elementPaths(attribute))
}

function parseWith(text: string, resolve: Resolve): Filter {
  const { masked, strings } = mask(text)
  let tree: ParsedFilter
  try {
    tree = parse(masked)
  } catch {
    throw refused('the filter cannot be read')
  }
  return new Reading(strings).filter(tree, resolve)
}

/**
 * Puts a number in the place of each string, which the parser hands back untouched: it does not know
 * the escapes of JSON (RFC 7644, section 3.4.2.2). Bounds length and depth before it is asked.
 */
function mask(text: string): { readonly masked: string; readonly strings: readonly string[] } {
  if (text.length > FILTER_LENGTH_MAX) throw refused('the filter is too long')
  const strings: string[] = []
  let masked = ''
  let depth = 0
  let read = 0
  for (const [token] of text.matchAll(TOKEN)) {
    read += token.length
    if (token === '(' || token === '[') depth += 1
    if (token === ')' || token === ']') depth -= 1
    if (depth > DEPTH_MAX) throw refused('the filter is nested too deep')
    if (token.length > 2 || token === '""') {
      masked += `"${strings.length}"`
      strings.push(JSON.parse(token) as string)
    } else masked += token
  }
  if (read !== text.length) throw refused('the filter has a string that cannot be read')
  return { masked, strings }
}

class Reading {
  readonly #strings: readonly string[]
  #parts = 0

  constructor(strings: readonly string[]) {
    this.#strings = strings
  }

  /** The parser takes some things that are no filter, `a pr constructor b pr`: all is looked at again. */
  filter(tree: ParsedFilter, resolve: Resolve): Filter {
    this.#parts += 1
    if (this.#parts > PARTS_MAX) throw refused('the filter has too many parts')
    if ('filters' in tree) {
      const kind = (['and', 'or'] as const).find((one) => one === tree.op)
      if (kind === undefined) throw refused('the filter cannot be read')
      return { kind, of: tree.filters.map((one) => this.filter(one, resolve)) }
    }
    if ('filter' in tree) return { kind: 'not', of: this.filter(tree.filter, resolve) }
    const at = resolve(tree.attrPath)
    if (at === undefined) throw refused('the filter names an attribute that there is not')
    if (tree.op === '[]') return this.#some(at, tree.valFilter)
    if (tree.op === 'pr') return { kind: 'present', at }
    return this.#compare(at, tree.op, tree.compValue)
  }

  #some(at: AttributePath, inner: ParsedFilter): Filter {
    if (!at.attribute.multiValued || at.attribute.type !== 'complex' || at.sub !== undefined) {
      throw refused('the filter looks for elements where there are none')
    }
    return { kind: 'some', at, of: this.filter(inner, elementPaths(at.attribute)) }
  }

  #compare(path: AttributePath, op: string, said: unknown): Filter {
    const comparison = COMPARISONS.find((one) => one === op)
    if (comparison === undefined) throw refused('the filter has an operator that there is not')
    const at = comparable(path)
    if (said === null) {
      // Null is unassigned (RFC 7643, section 2.5).
      if (comparison === 'ne') return { kind: 'present', at }
      if (comparison === 'eq') return { kind: 'not', of: { kind: 'present', at } }
    }
    const value = typeof said === 'string' ? this.#strings[Number(said)] : said
    return {
      kind: 'compare',
      at,
      op: comparison,
      value: comparedValue(at.sub ?? at.attribute, comparison, value),
    }
  }
}

function elementPaths(attribute: Attribute): Resolve {
  return (path) => {
    const found = attributeNamed(attribute.subAttributes ?? [], path)
    return found && { attribute: found }
  }
}

/** `emails co "x"` means `emails.value co "x"` (RFC 7644, section 3.4.2.2). */
function comparable(at: AttributePath): AttributePath {
  if (at.attribute.type !== 'complex' || at.sub !== undefined) return at
  const sub = attributeNamed(at.attribute.subAttributes ?? [], 'value')
  if (sub === undefined || !at.attribute.multiValued) {
    throw refused('the filter compares an attribute that has parts')
  }
  return { attribute: at.attribute, sub }
}

function refused(why: string): ScimError {
  return new ScimError('invalidFilter', why)
}
