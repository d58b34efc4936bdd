import type { CellName, TenantId, Tier } from './tenant.ts'

declare const leaseIdBrand: unique symbol
/** Names one lease; it is not a secret. */
export type LeaseId = string & { readonly [leaseIdBrand]: true }

/** What a lease may do with its tenant's data. */
export const SCOPES = ['read', 'write'] as const
export type Scope = (typeof SCOPES)[number]

/** Engine-native connection fields (a libpq user and password, an access key …). Secret. */
export type Credential = Readonly<Record<string, string | number>>

export interface LeaseRequest {
  readonly scope: Scope
  /** Seconds the credential may live. Bounded by the boundary's policy. Default 900. */
  readonly ttlSeconds?: number
  /** Which process asks, for the ledger: `vending-1`. */
  readonly holder: string
}

/** A vended credential. The first three names are those of HashiCorp Vault's lease responses. */
export interface Lease<C extends Credential = Credential> {
  readonly lease_id: LeaseId
  /** Seconds from issue to expiry. */
  readonly lease_duration: number
  readonly renewable: boolean
  readonly tenant: TenantId
  readonly boundary: string
  readonly tier: Tier
  readonly cell: CellName
  readonly scope: Scope
  readonly issued_at: Date
  readonly expires_at: Date
  readonly credential: C
}

export const LEASE_TTL_SECONDS_DEFAULT = 900
export const LEASE_TTL_SECONDS_MAX = 3600
export const LEASE_TTL_SECONDS_MIN = 1
