import { z } from 'zod'
import { blockedNetworksSchema } from '../contracts/blocked-network.ts'
import { contractSchema } from '../contracts/contract.ts'
import { grantSchema } from '../contracts/grant.ts'
import { grantRestraintsSchema } from '../contracts/grant-restraint.ts'
import { guardrailSchema } from '../contracts/guardrail.ts'
import { limitsSchema } from '../contracts/limit.ts'
import { meterSchema } from '../contracts/meter.ts'
import { networkSchema } from '../contracts/network.ts'
import { platformPoliciesSchema, policyStoreSchema } from '../contracts/policy-store.ts'
import { spentQuotasSchema } from '../contracts/spent-quota.ts'
import { upstreamSchema } from '../contracts/upstream.ts'
import { SCOPES } from '../core/lease.ts'
import { parseClientId, parseContractName, parsePlanName, parseServiceName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseRegion, parseTenantId, parseTier } from '../core/tenant.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'

/**
 * What the gateway and vending know of the platform: the control plane writes it, they verify it,
 * keep it on disk, and serve from it. It holds no secret: public keys and names only.
 */

/** One upstream service behind the gateway. */
const serviceSchema = z.strictObject({
  name: parsed(parseServiceName),
  /** Where the gateway forwards to. */
  upstream: z.url({ protocol: /^https?$/ }),
  /** The part of the tenant's API that it serves: `/clinic`, or `/` for all that no other takes. */
  prefix: z.string().regex(/^\/(?:[a-z0-9-]+(?:\/[a-z0-9-]+)*)?$/),
  /** It is part of each tenant's surface, whatever its contract says: what the platform keeps of it. */
  everyTenant: z.boolean().optional(),
})

/** A workload that may exchange contexts of its service for leases. */
const workloadSchema = z.strictObject({
  client: parsed(parseClientId),
  service: parsed(parseServiceName),
  keys: z.array(publicJwkSchema).max(5),
  scopes: z.array(z.enum(SCOPES)),
})

/** What a tenant's plan allows at vending and at the gateway. */
const planSchema = z.strictObject({
  name: parsed(parsePlanName),
  requestsPerMinute: z.int().min(1),
  leasesPerMinute: z.int().min(1),
  leaseSecondsMax: z.int().min(1).max(3_600),
  limits: limitsSchema.optional(),
  /** The contract that its tenants have who have none of their own. Default: all services. */
  contract: parsed(parseContractName).optional(),
  /** Under overload the lower ones wait and are refused first. Default 5. */
  priority: z.int().min(0).max(9).optional(),
  /** Its tenants' share of what is scarce, relative to other plans'. Default 1. */
  weight: z.int().min(1).max(1_000).optional(),
})

const platformSchema = z.strictObject({
  /** The audience of access tokens: the platform's API. */
  audience: z.url(),
  contextKeys: z.array(publicJwkSchema),
  jobKeys: z.array(publicJwkSchema),
  services: z.array(serviceSchema),
  workloads: z.array(workloadSchema),
  plans: z.array(planSchema),
  /** Upstreams beside the services. */
  upstreams: z.array(upstreamSchema).max(1_000).optional(),
  contracts: z.array(contractSchema).max(200).optional(),
  /** No tenant can weaken them. */
  guardrails: z.array(guardrailSchema).max(200).optional(),
  policies: platformPoliciesSchema.optional(),
  /** What is measured of every tenant. */
  meters: z.array(meterSchema).max(200).optional(),
  /** Served to nobody, for as long as it says. */
  blocked: blockedNetworksSchema.optional(),
})

/**
 * `suspended`: known, and served to nobody. `paused`: reads go on, writes wait for a move's end.
 * A tenant that is not `active`, `paused` or `suspended` is not in the snapshot.
 */
export const SERVING_STATUSES = ['active', 'paused', 'suspended'] as const

const tenantSchema = z.strictObject({
  id: parsed(parseTenantId),
  status: z.enum(SERVING_STATUSES),
  tier: parsed(parseTier),
  region: parsed(parseRegion),
  cell: parsed(parseCellName),
  plan: parsed(parsePlanName),
  issuer: z.url(),
  /** Of two algorithms, with those that only verify any more and those that will sign next. */
  keys: z.array(publicJwkSchema).max(12),
  /** Host names that are the tenant's alone; its path `/t/<id>` is there without. */
  hosts: z.array(
    z
      .string()
      .regex(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/)
      .max(253),
  ),
  contract: contractSchema.optional(),
  upstreams: z.array(upstreamSchema).max(200).optional(),
  guardrails: z.array(guardrailSchema).max(200).optional(),
  /** Besides its plan's. */
  limits: limitsSchema.optional(),
  policy: policyStoreSchema.optional(),
  network: networkSchema.optional(),
  /** What it lets principals of other tenants do. */
  grants: z.array(grantSchema).max(1_000).optional(),
  /** What detectors have put on some of them for a while. */
  restraints: grantRestraintsSchema.optional(),
  /** Quotas of usage that it has used up. */
  spent: spentQuotasSchema.optional(),
})

/** Hex SHA-256. */
const hashSchema = z.string().regex(/^[0-9a-f]{64}$/)

/**
 * One record of the chain. A `change` says what differs from the change before it, whose hash it
 * names, so that none can be left out, put in or put back; the first says everything. A `base` says
 * everything as it was after the change of the same version, so that a new reader need not read all
 * of history.
 */
export const recordSchema = z.strictObject({
  kind: z.enum(['base', 'change']),
  version: z.int().min(1),
  issuedAt: z.iso.datetime(),
  /**
   * Hash of the signed text of the change with version − 1, empty in version 1. In a base: of the
   * change with the base's own version.
   */
  previous: z.union([hashSchema, z.literal('')]),
  /** Absent in a change that leaves it as it is. */
  platform: platformSchema.optional(),
  /** Tenants that are new or different. A base has them in its parts. */
  tenants: z.array(tenantSchema),
  /** Tenants that are gone. */
  removed: z.array(parsed(parseTenantId)).default([]),
  /** Hashes of the texts of a base's parts, in order. Each part is a JSON array of tenants. */
  parts: z.array(hashSchema).default([]),
})

/** A part of a base. */
export const partSchema = z.array(tenantSchema).min(1)

/** The control plane's word that a version was in force at a time. */
export const confirmationSchema = z.strictObject({
  version: z.int().min(1),
  /** Hash of the signed text of that version's change. */
  hash: hashSchema,
  at: z.iso.datetime(),
})

export type PlatformConfig = z.output<typeof platformSchema>
export type ServiceConfig = z.output<typeof serviceSchema>
export type WorkloadConfig = z.output<typeof workloadSchema>
export type PlanConfig = z.output<typeof planSchema>
export type TenantConfig = z.output<typeof tenantSchema>
export type SnapshotRecord = z.output<typeof recordSchema>
export type Confirmation = z.output<typeof confirmationSchema>

/**
 * What a reader asks of the configuration in force. All look-ups are in memory, do not wait, and
 * answer from the newest version, even if they are made on a configuration that was got before it.
 */
export interface Configuration {
  /** Version in force. */
  readonly version: number
  /** When the control plane last vouched for it: what its age is measured from. */
  readonly confirmedAt: Date
  readonly platform: PlatformConfig
  tenant(id: TenantConfig['id']): TenantConfig | undefined
  tenantOfHost(host: string): TenantConfig | undefined
  tenants(): IterableIterator<TenantConfig>
}

/** Where a plane gets its configuration. */
export interface ConfigurationSource {
  /**
   * The configuration in force.
   * @throws RingfenceError `snapshot_stale` when there is none, or it is older than its limit: serve nobody
   */
  current(): Configuration
  /** Calls `listener` after each new version, with the tenants that it changed or removed. */
  onChange(listener: (changed: readonly TenantConfig['id'][], now: Configuration) => void): void
}
