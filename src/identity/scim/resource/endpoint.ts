import { RingfenceError } from '../../../core/errors.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { Dated } from './meta.ts'
import { applyPatch } from '../patch/apply-patch.ts'
import { readPatch } from '../patch/patch-request.ts'
import type { ScimClient } from '../tokens/scim-client.ts'
import type { Document } from './document.ts'
import type { ListQuery } from './list-query.ts'
import { listResources, type ListResponse } from './list-resources.ts'
import { readDocument } from './read-document.ts'
import type { Resource, ResourceKind } from './resource-kind.ts'
import type { ResourceSchema } from '../schema/attribute.ts'

/** How often a change is made anew when somebody else was faster. */
const TRIES = 8

/** Which versions a change is meant for (`If-Match`); undefined: any. */
export type Expected = ((version: number) => boolean) | undefined

export interface Shown {
  readonly version: number
  readonly resource: Resource
}

/** What can be done with one kind of resource, whatever kind it is. */
export interface Endpoint {
  readonly schema: ResourceSchema
  read(tenant: TenantId, id: string, base: string): Promise<Shown>
  list(tenant: TenantId, query: ListQuery, base: string): Promise<ListResponse>
  create(client: ScimClient, body: unknown, base: string): Promise<Shown>
  replace(
    client: ScimClient,
    id: string,
    body: unknown,
    expected: Expected,
    base: string,
  ): Promise<Shown>
  patch(
    client: ScimClient,
    id: string,
    body: unknown,
    expected: Expected,
    base: string,
  ): Promise<Shown>
  remove(tenant: TenantId, id: string, expected: Expected): Promise<void>
}

export function endpointOf<Thing extends Dated>(kind: ResourceKind<Thing>): Endpoint {
  const shown = (thing: Thing, base: string): Shown => ({
    version: thing.version,
    resource: kind.show(thing, base),
  })
  const find = async (tenant: TenantId, id: string) => {
    const thing = await kind.find(tenant, id)
    if (thing === undefined) throw new RingfenceError('not_found', 'there is no such resource')
    return thing
  }
  const change = async (
    client: ScimClient,
    id: string,
    expected: Expected,
    made: (before: Thing) => Document,
  ): Promise<Thing> => {
    for (let tries = 1; ; tries += 1) {
      const before = await find(client.tenant, id)
      checkExpected(before, expected)
      try {
        return await kind.change(client, before, made(before))
      } catch (error) {
        if (!isOvertaken(error) || expected !== undefined) throw error
        // Who named no version must not be told that it named an old one.
        if (tries === TRIES) throw new RingfenceError('overloaded', 'too many change it at once')
      }
    }
  }
  return {
    schema: kind.schema,
    read: async (tenant, id, base) => shown(await find(tenant, id), base),
    list: (tenant, query, base) => listResources(kind, tenant, query, base),
    async create(client, body, base) {
      return shown(await kind.create(client, readDocument(kind.schema, body)), base)
    },
    async replace(client, id, body, expected, base) {
      const document = readDocument(kind.schema, body)
      return shown(await change(client, id, expected, () => document), base)
    },
    async patch(client, id, body, expected, base) {
      const operations = readPatch(kind.schema, id, body)
      const made = (before: Thing) => applyPatch(kind.documentOf(before), operations)
      return shown(await change(client, id, expected, made), base)
    },
    async remove(tenant, id, expected) {
      const before = await find(tenant, id)
      checkExpected(before, expected)
      await kind.remove(tenant, id, expected === undefined ? undefined : before.version)
    },
  }
}

function checkExpected({ version }: Dated, expected: Expected): void {
  if (expected !== undefined && !expected(version)) {
    throw new RingfenceError('precondition_failed', 'the resource has changed since it was read')
  }
}

function isOvertaken(error: unknown): boolean {
  return error instanceof RingfenceError && error.code === 'precondition_failed'
}
