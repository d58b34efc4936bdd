import type { TenantId } from '../../core/tenant.ts'
import type { Directory } from '../directory/directory.ts'
import type { IdentityDatabase } from '../identity-database.ts'
import type { SignInChoices } from '../pages/pages-options.ts'
import type { RealmHandler } from '../provider/realm-context.ts'
import type { SealingKey } from '../sealing-key.ts'
import type { EndSignedInBy } from '../sessions/federated-sessions.ts'
import { FederatedAccounts } from './accounts/federated-accounts.ts'
import { LinkStore } from './accounts/link-store.ts'
import { ConnectionStore } from './connection/connection-store.ts'
import { SourceAllowlist } from './connection/source-allowlist.ts'
import { DomainStore, type TxtLookup } from './domains/domain-store.ts'
import { FederationAdministration } from './federation-administration.ts'
import { federationHandler, type FederationHandlerOptions } from './flow/federation-handler.ts'
import { RequestStore } from './flow/request-store.ts'
import { SignInJourney } from './flow/sign-in-journey.ts'
import { OidcFlow } from './oidc/oidc-flow.ts'
import { guardedFetch, type OutboundOptions } from './outbound/guarded-fetch.ts'
import { SamlFlow } from './saml/saml-flow.ts'
import { UsedAssertions } from './saml/used-assertions.ts'
import { signInChoices } from './sign-in-choices.ts'

export interface FederationOptions
  extends Pick<FederationHandlerOptions, 'finished' | 'interaction' | 'log'> {
  readonly database: IdentityDatabase
  readonly sealing: SealingKey
  readonly directory: Directory
  /** What may be reached on a tenant's word. Default: https on public networks. */
  readonly outbound?: OutboundOptions
  /** What came through a connection ends with it. */
  readonly endSignedInBy: EndSignedInBy
  /** TXT records of a name. Default: DNS. */
  readonly txtLookup?: TxtLookup
}

/** Federation, for all realms of one process. */
export interface Federation {
  /** Below the issuer: `/federation/…`. */
  readonly handler: RealmHandler
  /** For the sign-in pages. */
  readonly choices: SignInChoices
  readonly administration: FederationAdministration
  /** Deletes what has expired and looks again at domains. Call it now and then. */
  maintain(): Promise<void>
}

export function openFederation(options: FederationOptions): Federation {
  const { database, sealing, directory } = options
  const connections = new ConnectionStore(database, sealing)
  const domains = new DomainStore(database, options.txtLookup)
  const links = new LinkStore(database)
  const accounts = new FederatedAccounts({ database, directory, links, domains })
  const fetch = guardedFetch(options.outbound)
  const used = new UsedAssertions(database)
  const requests = new RequestStore(database)
  const journey = new SignInJourney({
    requests,
    accounts,
    oidc: new OidcFlow(fetch),
    saml: new SamlFlow(fetch, used),
  })
  return {
    handler: federationHandler({ ...options, connections, requests, journey }),
    choices: signInChoices(connections, domains),
    administration: new FederationAdministration({
      connections,
      sources: new SourceAllowlist(database),
      domains,
      links,
      accounts,
      endSignedInBy: options.endSignedInBy,
      issuerOf: (tenant) => issuerOf(database, tenant),
    }),
    async maintain() {
      await requests.deleteExpired()
      await used.deleteExpired()
      await domains.recheck()
    },
  }
}

async function issuerOf(database: IdentityDatabase, tenant: TenantId): Promise<string | undefined> {
  const [row] = await database.query<{ issuer: string }>(
    'select issuer from identity.realm where tenant = $1',
    [tenant],
  )
  return row?.issuer
}
