import { parseCellName, parseRegion } from '../../core/tenant.ts'
import type { RevocationSource } from '../../revocation/revocation.ts'
import type { Configuration, ConfigurationSource, TenantConfig } from '../../snapshot/snapshot.ts'
import { CLINIC, CLINIC_CLIENT, type Ground, LAB, LAB_CLIENT, METER } from './ground.ts'
import type { Party } from './party.ts'

/** The configuration of the platform, as the control plane would have published it. */
export function sourceOf(ground: Ground): ConfigurationSource {
  const { keys } = ground
  const platform = {
    audience: 'https://api.records-proof.test/',
    contextKeys: [keys.contexts.publicJwk],
    jobKeys: [keys.jobs.publicJwk],
    services: [],
    workloads: [
      { client: CLINIC_CLIENT, service: CLINIC, keys: [keys.clinic.publicJwk], scopes: [] },
      { client: LAB_CLIENT, service: LAB, keys: [keys.lab.publicJwk], scopes: [] },
    ],
    plans: [],
    meters: [METER],
  }
  const configOf = ({ tenant, plan }: Party): TenantConfig => ({
    id: tenant,
    status: ground.suspended.has(tenant) ? 'suspended' : 'active',
    tier: 'pooled',
    region: parseRegion('eu-central'),
    cell: parseCellName('eu-1'),
    plan,
    issuer: `https://id.records-proof.test/realms/${tenant}`,
    keys: [],
    hosts: [],
  })
  const configuration: Configuration = {
    version: 1,
    confirmedAt: new Date(),
    platform,
    tenant: (id) => {
      const party = ground.parties.find(({ tenant }) => tenant === id)
      return party === undefined ? undefined : configOf(party)
    },
    tenantOfHost: () => undefined,
    tenants: () => ground.parties.map(configOf).values(),
  }
  return { current: () => configuration, onChange: () => undefined }
}

/** What was taken back. */
export function revocationsOf({ revoked }: Ground): RevocationSource {
  return {
    known: true,
    revokes: ({ id }) => revoked.has(id),
    find: ({ id }) => (revoked.has(id) ? 'token' : undefined),
    onNews: () => undefined,
  }
}
