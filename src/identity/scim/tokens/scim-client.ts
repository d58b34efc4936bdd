import type { TenantId } from '../../../core/tenant.ts'

/** Who calls: the tenant's source of provisioning, by one of its tokens. */
export interface ScimClient {
  readonly tenant: TenantId
  /** Of the token. */
  readonly id: string
  /** Whether the addresses that it writes count as verified. */
  readonly emailsVerified: boolean
}
