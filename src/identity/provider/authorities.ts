import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Account, Authority, Directory } from '../directory/directory.ts'
import type { RealmClients } from './realm-clients.ts'

/**
 * What users and clients of a realm may at this moment. Asked right before anything is issued: what
 * a token says of tenant, roles and scopes comes from here and never from a client. When it throws,
 * nothing is issued.
 */
export interface Authorities {
  /** Undefined when there is no such user, it is not active, or its realm is not open. */
  user(tenant: TenantId, subject: Subject): Promise<Authority | undefined>
  /** Undefined when there is no such client, or its realm is not open. */
  client(tenant: TenantId, client: string): Promise<Authority | undefined>
  /** For what an ID token says of a user besides. */
  account(tenant: TenantId, subject: Subject): Promise<Account | undefined>
}

export function authoritiesOf(
  directory: Pick<Directory, 'authority' | 'account'>,
  clients: Pick<RealmClients, 'principal'>,
): Authorities {
  return {
    user: (tenant, subject) => directory.authority(tenant, subject),
    async client(tenant, client) {
      const principal = await clients.principal(tenant, client)
      return principal === undefined ? undefined : { ...principal, placedRoles: [] }
    },
    account: (tenant, subject) => directory.account(tenant, subject),
  }
}
