import type { RevocationList } from '../../revocation/revocation.ts'
import type { Grants } from '../delegation/grants.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { RealmKeys } from '../realm-keys.ts'
import type { RealmStore } from '../realm-store.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Authorities } from './authorities.ts'
import type { Outbound } from './outbound.ts'
import type { AdapterTools } from './provider-adapter.ts'
import type { LogoutNotice } from '../sessions/logout/logout-notices.ts'
import type { RealmClients } from './realm-clients.ts'
import type { ProviderPages } from './realm-context.ts'
import type { TenantHosts } from './tenant-hosts.ts'

/** What the providers of all realms of a process share. */
export interface ProviderTools extends AdapterTools {
  readonly clients: RealmClients
  readonly keys: RealmKeys
  readonly apiKeys: ApiKeys
  readonly authorities: Authorities
  /** What was revoked elsewhere, where this process follows it. */
  readonly revoked: RevocationList | undefined
  /** What this realm's tenant, and any other, lets others do. */
  readonly grants: Grants
  /** Where tenants have tools of their own. */
  readonly hosts: TenantHosts
  readonly realms: Pick<RealmStore, 'find'>
  readonly database: IdentityDatabase
  readonly pages: ProviderPages
  /** The audience of access tokens: the platform's API. */
  readonly audience: string
  /** For calls to addresses that clients name. */
  readonly outbound: Outbound
  /** Takes note of a client that could not be told of a sign-out, to tell it later. */
  readonly untold: (notice: LogoutNotice) => void
  /** Takes one line. No secret is in it. */
  readonly log: (line: string) => void
}
