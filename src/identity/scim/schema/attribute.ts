/** An attribute as RFC 7643, section 7, describes it. */
export interface Attribute {
  readonly name: string
  readonly type: 'string' | 'boolean' | 'dateTime' | 'reference' | 'complex'
  readonly multiValued: boolean
  readonly description: string
  readonly required: boolean
  readonly caseExact: boolean
  readonly mutability: 'readWrite' | 'readOnly' | 'immutable'
  readonly returned: 'always' | 'default'
  readonly uniqueness: 'none' | 'server'
  readonly canonicalValues?: readonly string[]
  readonly referenceTypes?: readonly string[]
  readonly subAttributes?: readonly Attribute[]
}

/** One kind of resource: what is kept of it, shown and understood. */
export interface ResourceSchema {
  /** `urn:ietf:params:scim:schemas:core:2.0:User`. */
  readonly id: string
  readonly name: string
  readonly description: string
  /** `/Users`. */
  readonly endpoint: string
  readonly attributes: readonly Attribute[]
  /** Of every resource, whatever its schema (RFC 7643, section 3.1). */
  readonly common: readonly Attribute[]
  /**
   * What RFC 7643 gives a name to and is not kept here, in lower case: `title`, `name.formatted`.
   * Clients send it without being asked; it is left out, not refused.
   */
  readonly leftOut: ReadonlySet<string>
  /** Extensions that are left out in the same way, in lower case. */
  readonly extensionsLeftOut: readonly string[]
}

/** Everything that is not said of an attribute. */
const DEFAULTS = {
  type: 'string',
  multiValued: false,
  required: false,
  caseExact: false,
  mutability: 'readWrite',
  returned: 'default',
  uniqueness: 'none',
} as const

type Said = Partial<Omit<Attribute, 'name' | 'description'>>

export function attribute(name: string, description: string, said: Said = {}): Attribute {
  return { name, ...DEFAULTS, description, ...said }
}

/** Names of attributes compare without case (RFC 7643, section 2.1). */
export function attributeNamed(
  attributes: readonly Attribute[],
  name: string,
): Attribute | undefined {
  const wanted = name.toLowerCase()
  return attributes.find((one) => one.name.toLowerCase() === wanted)
}
