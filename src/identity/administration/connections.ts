import { CONNECTION_OPERATIONS } from '../../administration/connections.ts'
import type { RealmOutput } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Connection } from '../federation/connection/connection.ts'
import type { ConnectionInput } from '../federation/connection/connection-input.ts'
import type { DomainClaim } from '../federation/domains/domain-store.ts'
import { parseEmailDomain } from '../federation/domains/email-domain.ts'
import type { DryRun, Sample } from '../federation/dry-run.ts'
import type { ConnectionSetup } from '../federation/federation-administration.ts'
import { doneNow, notFound, pageOf, type RealmHandlers } from './realm-handlers.ts'
import type { RealmServices } from './realm-services.ts'
import { expectRealm } from './users.ts'

export function connectionHandlers(
  services: Pick<RealmServices, 'federation' | 'realms'>,
): RealmHandlers<typeof CONNECTION_OPERATIONS> {
  const { federation } = services
  const claimOf = async (tenant: TenantId, domain: string, connection: string) => {
    const name = parseEmailDomain(domain)
    const claim = (await federation.domains(tenant)).find(
      (one) => one.domain === name && one.connection === connection,
    )
    if (claim === undefined) throw notFound('claim to a domain')
    return claim
  }
  return {
    async listConnections({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await federation.connections(tenant)).map(wireConnection)
      return pageOf(all, CONNECTION_OPERATIONS.listConnections.keyOf, input)
    },
    getConnection: async ({ tenant, input }) =>
      wireConnection(await federation.connection(tenant, input.connection)),
    async putConnection({ tenant, input }) {
      const { connection, kind, display_name, enabled, config, client_secret, if_revision } = input
      // What `config` is, the connection's own schema says when it is put.
      const given = {
        ...{ kind, displayName: display_name, enabled, config },
        ...(client_secret === undefined ? {} : { clientSecret: client_secret }),
      } as unknown as ConnectionInput
      return wireConnection(await federation.putConnection(tenant, connection, given, if_revision))
    },
    async removeConnection({ tenant, input: { connection }, call }) {
      if (call.repeated !== true) await federation.connection(tenant, connection)
      await federation.removeConnection(tenant, connection)
      return doneNow()
    },
    getConnectionSetup: async ({ tenant, input }) =>
      wireSetup(await federation.setup(tenant, input.connection)),
    async testConnection({ tenant, input: { connection, claims, assertion } }) {
      const sample = claims === undefined ? { assertion } : { claims }
      return wireDryRun(await federation.dryRun(tenant, connection, sample as Sample))
    },
    async listSources({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await federation.sources(tenant)).map(({ kind, source }) => ({ kind, source }))
      return pageOf(all, CONNECTION_OPERATIONS.listSources.keyOf, input)
    },
    async allowSource({ tenant, input }) {
      await expectRealm(services, tenant)
      await federation.allowSource(tenant, input)
      return input
    },
    async disallowSource({ tenant, input }) {
      await expectRealm(services, tenant)
      await federation.disallowSource(tenant, input)
      return doneNow()
    },
    async listDomains({ tenant, input }) {
      await expectRealm(services, tenant)
      const all = (await federation.domains(tenant)).map(wireDomain)
      return pageOf(all, CONNECTION_OPERATIONS.listDomains.keyOf, input)
    },
    addDomain: async ({ tenant, input: { domain, connection } }) =>
      wireDomain(await federation.claimDomain(tenant, connection, domain)),
    async verifyDomain({ tenant, input: { domain, connection } }) {
      try {
        await federation.verifyDomain(tenant, connection, domain)
      } catch (error) {
        const unproven = error instanceof RingfenceError && error.code === 'check_failed'
        throw unproven ? new RingfenceError('conflict', error.message, { cause: error }) : error
      }
      return wireDomain(await claimOf(tenant, domain, connection))
    },
    async removeDomain({ tenant, input: { domain, connection }, call }) {
      if (call.repeated !== true) await claimOf(tenant, domain, connection)
      await federation.removeDomain(tenant, connection, domain)
      return doneNow()
    },
  }
}

function wireConnection({ id, kind, displayName, enabled, config, version }: Connection) {
  return { id, kind, display_name: displayName, enabled, config: { ...config }, revision: version }
}

function wireSetup(setup: ConnectionSetup): RealmOutput<'getConnectionSetup'> {
  const isOidc = setup.kind === 'oidc'
  return {
    kind: setup.kind,
    redirect_uri: isOidc ? setup.redirectUri : null,
    client_jwk: isOidc && setup.clientJwk !== undefined ? { ...setup.clientJwk } : null,
    entity_id: isOidc ? null : setup.entityId,
    assertion_consumer_service: isOidc ? null : setup.assertionConsumerService,
    metadata: isOidc ? null : setup.metadata,
  }
}

function wireDryRun(run: DryRun): RealmOutput<'testConnection'> {
  return {
    result: run.result,
    reason: run.reason ?? null,
    detail: run.detail ?? null,
    user: run.subject ?? null,
    external_subject: run.externalSubject ?? null,
    change: { ...run.change },
    email_trusted: run.emailTrusted,
    roles: run.roles === undefined ? null : [...run.roles],
    problems: [...run.problems],
    ignored: [...run.ignored],
  }
}

function wireDomain(claim: DomainClaim) {
  return {
    domain: claim.domain,
    connection: claim.connection,
    record_name: claim.recordName,
    record_value: claim.recordValue,
    verified: claim.verified,
    checked_at: claim.checkedAt?.toISOString() ?? null,
  }
}
