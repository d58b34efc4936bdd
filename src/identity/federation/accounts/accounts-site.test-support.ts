import type { TenantId } from '../../../core/tenant.ts'
import type { Directory } from '../../directory/directory.ts'
import type { Connection } from '../connection/connection.ts'
import { DomainStore } from '../domains/domain-store.ts'
import type { ExternalUser } from '../external-user.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import type { RefusalReason } from '../refusal.ts'
import { FederatedAccounts } from './federated-accounts.ts'
import { LinkStore } from './link-store.ts'

export const ISSUER = 'https://idp.example'

export interface AccountsSite extends FederationSite {
  readonly accounts: FederatedAccounts
  /** The same on another directory. */
  accountsOn(directory: Directory): FederatedAccounts
  connection(
    tenant: TenantId,
    config?: Readonly<Record<string, unknown>>,
    id?: string,
  ): Promise<Connection>
}

export async function startAccountsSite(): Promise<AccountsSite> {
  const site = await startFederationSite()
  const { database, directory } = site.base
  const accountsOn = (on: Directory) =>
    new FederatedAccounts({
      database,
      directory: on,
      links: new LinkStore(database),
      domains: new DomainStore(database, () => Promise.resolve([])),
    })
  return {
    ...site,
    accounts: accountsOn(directory),
    accountsOn,
    async connection(tenant, config = {}, id = 'corporate') {
      const { administration } = site.federation
      await administration.allowSource(tenant, { kind: 'oidc', source: ISSUER })
      return administration.putConnection(tenant, id, {
        kind: 'oidc',
        displayName: 'Corporate',
        clientSecret: 'secret-of-this-test',
        config: { issuer: ISSUER, clientId: 'c', ...config },
      })
    },
  }
}

export const person = (
  subject: string,
  claims: Readonly<Record<string, unknown>> = {},
): ExternalUser => ({ source: ISSUER, subject, claims: { sub: subject, ...claims }, amr: [] })

export const verified = (email: string) => ({ email, email_verified: true })

export const refusal = (reason: RefusalReason) => ({ name: 'FederationRefusal', reason })
