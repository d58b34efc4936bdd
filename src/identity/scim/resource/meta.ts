import type { ResourceSchema } from '../schema/attribute.ts'
import type { Resource } from './resource-kind.ts'

export interface Dated {
  readonly version: number
  readonly createdAt: Date
  readonly changedAt: Date
}

/** A weak entity tag: the same version may be shown with more or fewer attributes. */
export function entityTag(version: number): string {
  return `W/"${version}"`
}

export function locationOf(schema: ResourceSchema, id: string, base: string): string {
  return `${base}${schema.endpoint}/${encodeURIComponent(id)}`
}

/** RFC 7643, section 3.1. */
export function metaOf(schema: ResourceSchema, id: string, dated: Dated, base: string): Resource {
  return {
    resourceType: schema.name,
    created: dated.createdAt.toISOString(),
    lastModified: dated.changedAt.toISOString(),
    location: locationOf(schema, id, base),
    version: entityTag(dated.version),
  }
}
