import type { Grants } from '../../identity/delegation/grants.ts'
import type { Mailer } from '../../identity/mail/mail.ts'
import type { MountedRealms } from '../../identity/mount-realms.ts'
import type { IdentityParts } from '../../identity/open-identity.ts'
import type { RealmProvider } from '../../identity/provider/realm-provider.ts'
import type { Front } from './fronted.ts'
import type { Plane } from './plane.ts'
import type { Site } from './site.ts'

export type Fetch = (request: Request) => Response | Promise<Response>

/** What the identity plane of a copy is put together from. Mutants put worse pieces in the place of these. */
export interface Pieces {
  /** What everything stands on, before anything is made of it: changed in its place. */
  readonly parts: (parts: IdentityParts) => void
  /** Signing in, pages, federation, provisioning: changed in their place. */
  readonly mounted: (mounted: MountedRealms, parts: IdentityParts) => void
  /** A realm's provider, whenever one is made. */
  readonly provider: (provider: RealmProvider) => void
  /** What stands between callers and the plane. */
  readonly front: Front | undefined
  /** Who delivers mail, into a directory. */
  readonly mailer: (mailer: Mailer, directory: string) => Mailer
  /** Where it is looked up what tenants let others do. */
  readonly grants: (grants: Grants, site: Site) => Grants
  /** The administration API, as the control plane calls it. */
  readonly admin: (fetch: Fetch, plane: Plane) => Fetch
}

export const SOUND: Pieces = {
  parts: () => {},
  mounted: () => {},
  provider: () => {},
  front: undefined,
  mailer: (mailer) => mailer,
  grants: (grants) => grants,
  admin: (fetch) => fetch,
}
