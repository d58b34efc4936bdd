import {
  parseApiName,
  parseContractName,
  parsePlanName,
  parseUpstreamName,
  type ServiceName,
} from '../../core/names.ts'
import type { ApiConfig } from '../../contracts/contract.ts'
import { parseCellName, parseRegion } from '../../core/tenant.ts'
import type { PlanConfig, PlatformConfig, TenantConfig } from '../../snapshot/snapshot.ts'
import { AUDIENCE, BILLING, CLINIC, type Ground } from './ground.ts'
import { GUARDED_APIS, GUARDRAILS, ownGuardrails } from './guarded.ts'
import type { Party } from './party.ts'

export const CELL = parseCellName('front-door-1')
const STANDARD = parsePlanName('standard')
const CONTRACT = parseContractName('clinic-and-billing')
/** So many that no attack but one that is about the number runs into it. */
const PLENTY = 1_000_000
/** Longest life of a lease, in seconds. */
export const LEASE_SECONDS_MAX = 600

/** What the control plane would publish of a rehearsal. */
export interface Settings {
  readonly platform: PlatformConfig
  readonly tenants: readonly TenantConfig[]
}

/** @param upstream URL of the server that both services are behind */
export function settingsOf(ground: Ground, upstream: string): Settings {
  const { keys, workloads, parties, suspended } = ground
  const { web, report, billing } = workloads
  return {
    platform: {
      audience: AUDIENCE,
      contextKeys: [keys.context.publicJwk],
      jobKeys: [keys.job.publicJwk],
      services: [
        { name: CLINIC, upstream: `${upstream}/clinic`, prefix: '/' },
        { name: BILLING, upstream: `${upstream}/billing`, prefix: '/billing' },
      ],
      workloads: [
        {
          client: web.client,
          service: CLINIC,
          keys: [web.key.publicJwk],
          scopes: ['read', 'write'],
        },
        { client: report.client, service: CLINIC, keys: [report.key.publicJwk], scopes: ['read'] },
        {
          client: billing.client,
          service: BILLING,
          keys: [billing.key.publicJwk],
          scopes: ['read', 'write'],
        },
      ],
      plans: [
        {
          name: STANDARD,
          requestsPerMinute: PLENTY,
          leasesPerMinute: PLENTY,
          leaseSecondsMax: LEASE_SECONDS_MAX,
          contract: CONTRACT,
        },
      ],
      guardrails: [...GUARDRAILS],
      contracts: [
        {
          name: CONTRACT,
          apis: [
            apiOf(CLINIC, '/', {}),
            // What happens is told as it happens.
            apiOf(CLINIC, '/live', { name: parseApiName('live'), upgrades: true }),
            ...GUARDED_APIS,
            // What was billed is not deleted.
            apiOf(BILLING, '/billing', { methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH'] }),
          ],
        },
      ],
    },
    tenants: [
      ...parties.map((party) => tenantOf(party)),
      tenantOf(suspended, { status: 'suspended' }),
    ],
  }
}

function apiOf(service: ServiceName, prefix: string, more: Partial<ApiConfig>): ApiConfig {
  return {
    name: parseApiName(service),
    prefix,
    upstream: { of: 'platform', name: parseUpstreamName(service) },
    ...more,
  }
}

export function tenantOf(party: Party, changes: Partial<TenantConfig> = {}): TenantConfig {
  return {
    id: party.tenant,
    status: 'active',
    tier: 'pooled',
    region: parseRegion('front-door'),
    cell: CELL,
    plan: STANDARD,
    issuer: party.issuer,
    keys: [party.realm.publicJwk],
    hosts: [party.host],
    guardrails: ownGuardrails(party.tenant),
    ...changes,
  }
}

/** The same with a tenant changed. */
export function withTenant(
  settings: Settings,
  party: Party,
  changes: Partial<TenantConfig>,
): Settings {
  return {
    ...settings,
    tenants: settings.tenants.map((tenant) =>
      tenant.id === party.tenant ? { ...tenant, ...changes } : tenant,
    ),
  }
}

/** The same with every request entered in the audit log. */
export function withAllEntered(settings: Settings): Settings {
  const { platform } = settings
  const contracts = platform.contracts?.map((contract) => ({
    ...contract,
    apis: contract.apis.map((api) => ({ ...api, audit: 'all' as const })),
  }))
  return {
    ...settings,
    platform: { ...platform, ...(contracts === undefined ? {} : { contracts }) },
  }
}

/** The same with other limits in every plan. */
export function withPlan(settings: Settings, changes: Partial<PlanConfig>): Settings {
  const plans = settings.platform.plans.map((plan) => ({ ...plan, ...changes }))
  return { ...settings, platform: { ...settings.platform, plans } }
}
