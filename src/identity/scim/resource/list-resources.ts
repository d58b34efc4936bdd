import type { TenantId } from '../../../core/tenant.ts'
import type { Page } from '../../directory/directory.ts'
import { comparableOf, matches, valuesAt } from '../filter/matches.ts'
import { ScimError } from '../scim-error.ts'
import type { ListQuery } from './list-query.ts'
import { project } from './projection.ts'
import type { Resource, ResourceKind, Selection } from './resource-kind.ts'

/**
 * How many things are looked at, one by one, for what the directory cannot decide: other operators,
 * and order.
 */
export const LOOKED_AT_MAX = 2_000
const PAGE = 500

/** RFC 7644, section 3.4.2. */
export interface ListResponse {
  readonly schemas: readonly ['urn:ietf:params:scim:api:messages:2.0:ListResponse']
  readonly totalResults: number
  readonly startIndex: number
  readonly itemsPerPage: number
  readonly Resources: readonly Resource[]
}

/** @throws ScimError `tooMany` */
export async function listResources<Thing extends { readonly version: number }>(
  kind: ResourceKind<Thing>,
  tenant: TenantId,
  query: ListQuery,
  base: string,
): Promise<ListResponse> {
  const selection = kind.select(tenant, query.filter)
  const offset = query.startIndex - 1
  const show = (thing: Thing) => kind.show(thing, base)
  const isPlain = selection.rest === undefined && query.sort === undefined
  const { items, total } = isPlain
    ? shown(await selection.page({ offset, limit: query.count }), show)
    : cut(sorted(await lookedAt(selection, show), query), offset, query.count)
  return listResponse(
    items.map((one) => project(kind.schema, one, query.projection)),
    total,
    query.startIndex,
  )
}

export function listResponse(
  resources: readonly Resource[],
  total: number = resources.length,
  startIndex = 1,
): ListResponse {
  return {
    schemas: ['urn:ietf:params:scim:api:messages:2.0:ListResponse'],
    totalResults: total,
    startIndex,
    itemsPerPage: resources.length,
    Resources: resources,
  }
}

function shown<Thing>(page: Page<Thing>, show: (thing: Thing) => Resource): Page<Resource> {
  return { items: page.items.map(show), total: page.total }
}

/** All that the filter selects, if they are few enough to be looked at. */
async function lookedAt<Thing>(
  selection: Selection<Thing>,
  show: (thing: Thing) => Resource,
): Promise<readonly Resource[]> {
  const { rest } = selection
  const found: Resource[] = []
  for (let offset = 0; ; offset += PAGE) {
    const page = await selection.page({ offset, limit: PAGE })
    if (page.total > LOOKED_AT_MAX) {
      throw new ScimError('tooMany', 'narrow the filter: too many would have to be looked at')
    }
    found.push(...page.items.map(show).filter((one) => rest === undefined || matches(rest, one)))
    if (offset + PAGE >= page.total) return found
  }
}

function cut(all: readonly Resource[], offset: number, count: number): Page<Resource> {
  return { items: all.slice(offset, offset + count), total: all.length }
}

/** What has no value comes last, in either order (RFC 7644, section 3.4.2.3, of ascending). */
function sorted(all: readonly Resource[], { sort }: ListQuery): readonly Resource[] {
  if (sort === undefined) return all
  const { by, descending } = sort
  const keyed = all.map((one) => {
    const [value] = valuesAt(by, one)
    return { one, key: comparableOf(by.sub ?? by.attribute, value) }
  })
  const sign = descending ? -1 : 1
  return keyed
    .sort(({ key: a }, { key: b }) => {
      if (!isOrdered(a) || !isOrdered(b)) return Number(isOrdered(b)) - Number(isOrdered(a))
      return a === b ? 0 : a < b ? -sign : sign
    })
    .map(({ one }) => one)
}

function isOrdered(key: unknown): key is string | number | boolean {
  return (
    ['string', 'boolean'].includes(typeof key) || (typeof key === 'number' && !Number.isNaN(key))
  )
}
