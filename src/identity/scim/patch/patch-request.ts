import { ScimError } from '../scim-error.ts'
import type { ResourceSchema } from '../schema/attribute.ts'
import { readTarget, type Target } from './target.ts'

const PATCH_SCHEMA = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const OPERATIONS_MAX = 1_000
const VERBS = ['add', 'replace', 'remove'] as const

/** One change at one place. */
export interface Operation {
  readonly op: (typeof VERBS)[number]
  readonly target: Target
  /** As it was sent; undefined when nothing was. */
  readonly value: unknown
}

/** `id` may come along, because Okta sends it; it is not changed by it. */
const ECHOED = new Set(['schemas', 'id', 'meta'])

/**
 * Reads the body of a PATCH (RFC 7644, section 3.5.2), and what Entra ID and Okta make of it: verbs
 * in capitals, values without a path whose members are paths themselves.
 * @param id of the resource
 * @throws ScimError `invalidSyntax`, `invalidPath`, `invalidFilter`, `noTarget`, `mutability`
 */
export function readPatch(schema: ResourceSchema, id: string, body: unknown): readonly Operation[] {
  const { schemas, operations } = membersOf(body)
  if (!Array.isArray(schemas) || !schemas.includes(PATCH_SCHEMA)) {
    throw refused('the schema of a patch is missing')
  }
  if (!Array.isArray(operations) || operations.length === 0)
    throw refused('there are no Operations')
  if (operations.length > OPERATIONS_MAX) throw refused('there are too many Operations')
  return operations.flatMap((one: unknown) => readOperation(schema, id, one))
}

function readOperation(schema: ResourceSchema, id: string, raw: unknown): readonly Operation[] {
  const { op: verb, path, value } = membersOf(raw)
  const op = VERBS.find((one) => typeof verb === 'string' && one === verb.toLowerCase())
  if (op === undefined) throw refused('an operation is add, replace or remove')
  if (path !== undefined && path !== null && path !== '') {
    if (typeof path !== 'string') throw new ScimError('invalidPath', 'a path is a string')
    return at(schema, op, path, value)
  }
  if (op === 'remove') throw new ScimError('noTarget', 'a removal needs a path')
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ScimError('invalidValue', 'without a path, the value is an object')
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    const lower = name.toLowerCase()
    if (!ECHOED.has(lower)) return at(schema, op, name, inner)
    if (lower === 'id' && inner !== id)
      throw new ScimError('mutability', 'the id cannot be changed')
    return []
  })
}

function at(
  schema: ResourceSchema,
  op: Operation['op'],
  path: string,
  value: unknown,
): readonly Operation[] {
  const target = readTarget(schema, path)
  return target === 'leftOut' ? [] : [{ op, target, value }]
}

/** The members that a patch has, whatever the case of their names. */
function membersOf(raw: unknown): Readonly<Record<string, unknown>> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) throw refused('no patch')
  const members = Object.entries(raw).map(([name, value]) => [name.toLowerCase(), value] as const)
  if (new Set(members.map(([name]) => name)).size !== members.length) {
    throw refused('a member is there twice')
  }
  return Object.fromEntries(members)
}

function refused(why: string): ScimError {
  return new ScimError('invalidSyntax', why)
}
