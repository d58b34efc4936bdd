import { type Attribute, attributeNamed, type ResourceSchema } from './attribute.ts'

/** An attribute, or one inside it: `name.givenName`. */
export interface AttributePath {
  readonly attribute: Attribute
  readonly sub?: Attribute
}

/** What a name stands for; `leftOut`: it is well known, and not kept here. */
export type Named = AttributePath | 'leftOut' | undefined

const PATH =
  /^(?:(urn:[A-Za-z0-9:._-]{1,200}):)?([A-Za-z$][\w$-]{0,99})(?:\.([A-Za-z$][\w$-]{0,99}))?$/

/** Reads `attrPath` of RFC 7644, section 3.10: with or without the schema's URN, in any case. */
export function attributePath(schema: ResourceSchema, text: string): Named {
  const [, urn, head = '', tail] = PATH.exec(text) ?? []
  if (isLeftOutExtension(schema, text) || (urn !== undefined && isLeftOutExtension(schema, urn))) {
    return 'leftOut'
  }
  if (head === '' || (urn !== undefined && urn.toLowerCase() !== schema.id.toLowerCase())) {
    return undefined
  }
  const whole = tail === undefined ? head : `${head}.${tail}`
  if ([head, whole].some((one) => schema.leftOut.has(one.toLowerCase()))) return 'leftOut'
  const attribute = attributeNamed(schema.attributes, head) ?? attributeNamed(schema.common, head)
  if (attribute === undefined || tail === undefined) return attribute && { attribute }
  const sub = attributeNamed(attribute.subAttributes ?? [], tail)
  return sub && { attribute, sub }
}

function isLeftOutExtension({ extensionsLeftOut }: ResourceSchema, urn: string): boolean {
  return extensionsLeftOut.includes(urn.toLowerCase())
}
