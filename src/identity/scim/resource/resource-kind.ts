import type { TenantId } from '../../../core/tenant.ts'
import type { Page, PageRequest } from '../../directory/directory.ts'
import type { Filter } from '../filter/filter.ts'
import type { ResourceSchema } from '../schema/attribute.ts'
import type { ScimClient } from '../tokens/scim-client.ts'
import type { Document } from './document.ts'

/** A resource as JSON. */
export type Resource = Readonly<Record<string, unknown>>

/** Things of a kind that fulfil a filter. */
export interface Selection<Thing> {
  page(request: PageRequest): Promise<Page<Thing>>
  /** What the things of those pages must fulfil as well, or undefined: nothing. */
  readonly rest: Filter | undefined
}

/** One kind of resource in terms of the directory. */
export interface ResourceKind<Thing extends { readonly version: number }> {
  readonly schema: ResourceSchema
  /** An id of another realm, or one that could be none, is as absent as a random one. */
  find(tenant: TenantId, id: string): Promise<Thing | undefined>
  select(tenant: TenantId, filter: Filter | undefined): Selection<Thing>
  /** @param base the address of the SCIM server of the realm */
  show(thing: Thing, base: string): Resource
  /** What a client may write of it. */
  documentOf(thing: Thing): Document
  /** @throws ScimError; RingfenceError as the directory does */
  create(client: ScimClient, document: Document): Promise<Thing>
  /** Changes only the version that is given. @throws ScimError; RingfenceError as the directory does */
  change(client: ScimClient, before: Thing, document: Document): Promise<Thing>
  /** @throws RingfenceError as the directory does */
  remove(tenant: TenantId, id: string, version: number | undefined): Promise<void>
}
