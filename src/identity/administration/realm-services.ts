import type { Directory } from '../directory/directory.ts'
import type { RoleAdministration } from '../directory/role-administration.ts'
import type { FederationAdministration } from '../federation/federation-administration.ts'
import type { IdentityParts } from '../open-identity.ts'
import type { ScimAdministration } from '../scim/tokens/scim-administration.ts'
import type { SessionAdministration } from '../sessions/session.ts'
import type { SignInServices } from '../sign-in/open-sign-in.ts'
import type { RealmAdministration } from '../realm-administration.ts'

/** The parts of the identity plane by which realms are administered. */
export interface RealmServices
  extends Pick<IdentityParts, 'database' | 'realms' | 'clients' | 'apiKeys' | 'endAccess'> {
  readonly directory: Directory
  readonly roles: RoleAdministration
  readonly scim: ScimAdministration
  readonly federation: FederationAdministration
  readonly sessions: SessionAdministration
  readonly signIn: Pick<SignInServices, 'links' | 'passwords'>
  /** Makes initial access tokens: it has the realms' providers. */
  readonly registration: Pick<RealmAdministration, 'createInitialAccessToken'>
}
