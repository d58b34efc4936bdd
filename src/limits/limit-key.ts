import type { COUNTED_PER } from '../contracts/limit.ts'
import type { ApiName } from '../core/names.ts'
import type { TenantId } from '../core/tenant.ts'

declare const limitIdBrand: unique symbol
declare const limitKeyBrand: unique symbol

/** One limit among those of one tenant: where it is written, and its name there. */
export type LimitId = string & { readonly [limitIdBrand]: true }
/** What one count is kept under, in memory and in Redis. It begins with its tenant. */
export type LimitKey = string & { readonly [limitKeyBrand]: true }

export type CountedPer = (typeof COUNTED_PER)[number]

/** Where a limit is written: the process, the plan's base rate, the plan, the tenant, or one API of its contract. */
export type LimitSource =
  | { readonly from: 'process' }
  | { readonly from: 'base' }
  | { readonly from: 'plan' }
  | { readonly from: 'tenant' }
  | { readonly from: 'api'; readonly api: ApiName }

/** Whom a request is counted for. The tenant is the one that is called. */
export interface Caller {
  readonly tenant: TenantId
  /** An API of the tenant's surface, or what else it called. */
  readonly api: string
  /** The tenant whose realm says who calls: its clients' and users' names are no other realm's. */
  readonly home: TenantId
  readonly client: string
  readonly user: string
  readonly address: string
  /** Of the keys of its counts, those that were made already. Without it each is made when it is asked for. */
  readonly keys?: KnownKey[]
}

interface KnownKey {
  readonly id: LimitId
  readonly per: CountedPer
  readonly key: LimitKey
}

const KNOWN_KEYS_MAX = 16

/**
 * What parts are separated by. Tenants, APIs and names of limits are labels and have none; what a
 * caller chooses comes last, so that nothing in it can end a part and begin another.
 */
const SEPARATOR = ' '

/** @param name a limit's own, a label like the others */
export function limitId(source: LimitSource, kind: string, name: string): LimitId {
  const where = source.from === 'api' ? `api:${source.api}` : source.from
  // A plan's base rate goes on counting when the tenant's plan changes.
  const parts = source.from === 'base' ? [where] : [where, kind, name]
  return parts.join(SEPARATOR) as LimitId
}

/** The key of a caller's count. Two tenants' are never equal, whatever their callers are called. */
export function limitKey(id: LimitId, per: CountedPer, caller: Caller): LimitKey {
  const { keys } = caller
  if (keys !== undefined) {
    for (const known of keys) if (known.id === id && known.per === per) return known.key
  }
  const key = `${caller.tenant} ${id} ${per} ${countedAs(per, caller)}` as LimitKey
  if (keys !== undefined && keys.length < KNOWN_KEYS_MAX) keys.push({ id, per, key })
  return key
}

/** The count of all whom there is no room for: together, so that none gets more than a limit allows. */
export function othersKey(id: LimitId, tenant: TenantId): LimitKey {
  return `${tenant} ${id} others` as LimitKey
}

function countedAs(per: CountedPer, caller: Caller): string {
  if (per === 'tenant') return ''
  if (per === 'api') return caller.api
  if (per === 'address') return network(caller.address)
  return `${caller.home} ${caller[per]}`
}

/** Whoever has an IPv6 address has the 2^64 of its network: they count as one. */
function network(address: string): string {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::')
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const after = tail === '' ? [] : tail.split(':')
    while (groups.length + after.length < 8) groups.push('0')
    groups.push(...after)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
