import type { TenantId } from '../core/tenant.ts'

export const DETECTORS = [
  'unusual-volume',
  'cross-tenant-calls',
  'invalid-claims',
  'unauthorised-grants',
  'concurrent-addresses',
] as const
export type Detector = (typeof DETECTORS)[number]

/** What can be done about a finding. Each names facts only: nothing that a caller merely claimed. */
export type Act =
  /** No gateway serves the network: an IPv4 address, or an IPv6 /64. */
  | { readonly kind: 'block-address'; readonly network: string }
  /** Every token of the session is void: whoever it is signs in anew. */
  | { readonly kind: 'end-session'; readonly tenant: TenantId; readonly session: string }
  /** Every token under the grant is void, and those that are issued meanwhile. */
  | { readonly kind: 'suspend-grant'; readonly tenant: TenantId; readonly grant: string }
  /** So many calls in five minutes under the grant, and no more. */
  | {
      readonly kind: 'limit-grant'
      readonly tenant: TenantId
      readonly grant: string
      readonly requests: number
    }
  /** Every token under the grant is void whose bearer has not signed in since: the partner does it anew. */
  | { readonly kind: 'challenge-grant'; readonly tenant: TenantId; readonly grant: string }

/** What a detector has found. */
export interface Finding {
  readonly detector: Detector
  /** Whose behaviour it is about, and whose log it goes into. Undefined: the platform's. */
  readonly tenant: TenantId | undefined
  /** What it is about, within the tenant: a principal, a session, a grant, a network. */
  readonly about: string
  /** Which of the counted. */
  readonly signal: string
  /** When it happened. Milliseconds since 1970. */
  readonly at: number
  readonly counted: number
  /** What it is more than. */
  readonly limit: number
  readonly acts: readonly Act[]
}
