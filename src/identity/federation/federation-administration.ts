import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { PublicJwk } from '../../tokens/signing-key.ts'
import type { Rows } from '../identity-database.ts'
import type { EndSignedInBy } from '../sessions/federated-sessions.ts'
import type { FederatedAccounts } from './accounts/federated-accounts.ts'
import type { Link, LinkStore } from './accounts/link-store.ts'
import type { Connection } from './connection/connection.ts'
import { sourceSchema } from './connection/connection-config.ts'
import { type ConnectionId, parseConnectionId } from './connection/connection-id.ts'
import { type ConnectionInput, connectionInputSchema } from './connection/connection-input.ts'
import type { ConnectionStore } from './connection/connection-store.ts'
import type { AllowedSource, SourceAllowlist } from './connection/source-allowlist.ts'
import type { DomainClaim, DomainStore } from './domains/domain-store.ts'
import { parseEmailDomain } from './domains/email-domain.ts'
import { type DryRun, dryRun, type Sample, sampleSchema } from './dry-run.ts'
import { redirectUri } from './oidc/oidc-flow.ts'
import { serviceProviderUrls } from './saml/service-provider.ts'
import { serviceProviderMetadata } from './saml/service-provider-metadata.ts'

const allowedSourceSchema = z.strictObject({ kind: z.enum(['oidc', 'saml']), source: sourceSchema })

/** What the provider's administrator has to be told. */
export type ConnectionSetup =
  | {
      readonly kind: 'oidc'
      readonly redirectUri: string
      /** With `private_key_jwt`: the key by which the provider knows us. */
      readonly clientJwk: PublicJwk | undefined
    }
  | {
      readonly kind: 'saml'
      readonly entityId: string
      readonly assertionConsumerService: string
      readonly metadata: string
    }

export interface FederationAdministrationOptions {
  readonly connections: ConnectionStore
  readonly sources: SourceAllowlist
  readonly domains: DomainStore
  readonly links: LinkStore
  readonly accounts: FederatedAccounts
  readonly endSignedInBy: EndSignedInBy
  readonly issuerOf: (tenant: TenantId) => Promise<string | undefined>
}

/**
 * The administration of federation, of one realm at a time. Input is strict: what is not known is
 * refused. Every method may throw RingfenceError `invalid_argument`, `not_found` and
 * `engine_unavailable`.
 */
export class FederationAdministration {
  readonly #options: FederationAdministrationOptions

  constructor(options: FederationAdministrationOptions) {
    this.#options = options
  }

  /** The issuers and entity ids that the realm may federate with. */
  sources(tenant: TenantId): Promise<readonly AllowedSource[]> {
    return this.#options.sources.list(tenant)
  }

  async allowSource(tenant: TenantId, source: AllowedSource): Promise<void> {
    await this.#options.sources.allow(tenant, checked(allowedSourceSchema, source))
  }

  /** Connections with it stop working at once, and what came through them ends. */
  async disallowSource(tenant: TenantId, source: AllowedSource): Promise<void> {
    const { sources, endSignedInBy } = this.#options
    await sources.disallow(tenant, checked(allowedSourceSchema, source), (rows, connections) =>
      endSignedInBy(rows, tenant, { connections }),
    )
  }

  connections(tenant: TenantId): Promise<readonly Connection[]> {
    return this.#options.connections.list(tenant)
  }

  connection(tenant: TenantId, id: string): Promise<Connection> {
    return this.#connection(tenant, id)
  }

  /**
   * Makes or changes one. When it is disabled, or is to another provider, what came through it ends.
   * @throws RingfenceError `conflict` (another kind than before),
   * `precondition_failed` when `version` is not the present one
   */
  async putConnection(
    tenant: TenantId,
    id: string,
    input: ConnectionInput,
    version?: number,
  ): Promise<Connection> {
    const parsed = checked(connectionInputSchema, input)
    const connection = parseConnectionId(id)
    const ended = this.#ended(tenant, connection)
    return this.#options.connections.put(tenant, connection, parsed, version, ended)
  }

  /** Sessions and refresh tokens that came through it end with it. */
  async removeConnection(tenant: TenantId, id: string): Promise<void> {
    const connection = parseConnectionId(id)
    await this.#options.connections.remove(tenant, connection, this.#ended(tenant, connection))
  }

  async setup(tenant: TenantId, id: string): Promise<ConnectionSetup> {
    const connection = await this.#connection(tenant, id)
    const issuer = await this.#options.issuerOf(tenant)
    if (issuer === undefined) throw notFound()
    if (connection.kind === 'oidc') {
      const clientJwk = await this.#options.connections.clientJwk(tenant, connection.id)
      return { kind: 'oidc', redirectUri: redirectUri({ issuer }, connection), clientJwk }
    }
    const { entityId, acs } = serviceProviderUrls({ issuer }, connection)
    return {
      kind: 'saml',
      entityId,
      assertionConsumerService: acs,
      metadata: serviceProviderMetadata({ issuer }, connection),
    }
  }

  /** What an assertion or claims would become. Changes nothing. */
  async dryRun(tenant: TenantId, id: string, sample: Sample): Promise<DryRun> {
    const parsed = checked(sampleSchema, sample)
    return dryRun(this.#options.accounts, await this.#connection(tenant, id), parsed)
  }

  domains(tenant: TenantId): Promise<readonly DomainClaim[]> {
    return this.#options.domains.list(tenant)
  }

  /** Says which DNS record proves it. */
  async claimDomain(tenant: TenantId, id: string, domain: string): Promise<DomainClaim> {
    return this.#options.domains.claim(tenant, parseConnectionId(id), parseEmailDomain(domain))
  }

  /** @throws RingfenceError `check_failed` when the record is not there */
  async verifyDomain(tenant: TenantId, id: string, domain: string): Promise<void> {
    await this.#options.domains.verify(tenant, parseConnectionId(id), parseEmailDomain(domain))
  }

  async removeDomain(tenant: TenantId, id: string, domain: string): Promise<void> {
    await this.#options.domains.remove(tenant, parseConnectionId(id), parseEmailDomain(domain))
  }

  /** Who a user is at the realm's providers. */
  links(tenant: TenantId, subject: Subject): Promise<readonly Link[]> {
    return this.#options.links.of(tenant, subject)
  }

  /** What the user has by it ends. */
  async unlink(tenant: TenantId, id: string, subject: Subject): Promise<void> {
    const connection = parseConnectionId(id)
    const ended = this.#ended(tenant, connection, subject)
    await this.#options.links.unlink(tenant, connection, subject, ended)
  }

  #ended(tenant: TenantId, id: ConnectionId, subject?: Subject) {
    const by = { connections: [id], subject }
    return (rows: Rows) => this.#options.endSignedInBy(rows, tenant, by)
  }

  async #connection(tenant: TenantId, id: string): Promise<Connection> {
    const found = await this.#options.connections.get(tenant, parseConnectionId(id))
    if (found === undefined) throw notFound()
    return found
  }
}

/** Names the field and what is wrong with it; values may be secrets and are not repeated. */
function checked<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const where = issue?.path.join('.') || 'the input'
  throw new RingfenceError('invalid_argument', `${where}: ${issue?.message ?? 'invalid'}`)
}

function notFound(): RingfenceError {
  return new RingfenceError('not_found', 'there is no such connection')
}
