import { RingfenceError } from './errors.ts'

declare const tenantIdBrand: unique symbol
declare const regionBrand: unique symbol
declare const cellBrand: unique symbol

/** A customer organisation's public name, `acme`. Only `parseTenantId` makes one. */
export type TenantId = string & { readonly [tenantIdBrand]: true }
/** Where a tenant's data must stay, `eu-west`. Only `parseRegion` makes one. */
export type Region = string & { readonly [regionBrand]: true }
/** One deployment of engines that holds tenants, `eu-west-1`. Only `parseCellName` makes one. */
export type CellName = string & { readonly [cellBrand]: true }

/** How much a tenant shares: everything, the engine, or nothing. */
export const TIERS = ['pooled', 'bridge', 'silo'] as const
export type Tier = (typeof TIERS)[number]

export interface Tenant {
  readonly id: TenantId
  readonly tier: Tier
  readonly region: Region
}

/** Longest tenant id, in characters. Derived names must still fit the 63 bytes of an identifier. */
export const TENANT_ID_LENGTH_MAX = 40

// Lower-case ASCII letters, digits and single inner hyphens (the shape of a DNS label). It leaves no
// room for letter case, look-alikes, quotes, globs, path steps or SQL in any engine.
const LABEL = /^[a-z](?:[a-z0-9]|-(?=[a-z0-9])(?!-)){0,39}$/

function parseLabel(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= TENANT_ID_LENGTH_MAX && LABEL.test(value)
    ? value
    : undefined
}

/**
 * Reads a tenant id at the edge.
 * @throws RingfenceError `invalid_tenant_id` for anything else than 1 to 40 characters of a–z, 0–9
 *   and single inner hyphens, starting with a letter. The value is not echoed.
 */
export function parseTenantId(value: unknown): TenantId {
  const label = parseLabel(value)
  if (label === undefined) {
    throw new RingfenceError(
      'invalid_tenant_id',
      'a tenant id has 1 to 40 characters: a-z, 0-9 and single hyphens inside, a letter first',
    )
  }
  return label as TenantId
}

/** Reads a tier. @throws RingfenceError `invalid_argument` */
export function parseTier(value: unknown): Tier {
  const tier = TIERS.find((name) => name === value)
  if (tier === undefined) {
    throw new RingfenceError('invalid_argument', `a tier is one of ${TIERS.join(', ')}`)
  }
  return tier
}

/** Reads a region. @throws RingfenceError `invalid_argument` */
export function parseRegion(value: unknown): Region {
  const label = parseLabel(value)
  if (label === undefined) {
    throw new RingfenceError('invalid_argument', 'a region is a name like eu-west')
  }
  return label as Region
}

/** Reads a cell's name. @throws RingfenceError `invalid_argument` */
export function parseCellName(value: unknown): CellName {
  const label = parseLabel(value)
  if (label === undefined) {
    throw new RingfenceError('invalid_argument', 'a cell is a name like eu-west-1')
  }
  return label as CellName
}
