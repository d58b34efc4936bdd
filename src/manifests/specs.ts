import { z } from 'zod'
import { apiSchema, contractSpecSchema } from '../contracts/contract.ts'
import { limitsSchema } from '../contracts/limit.ts'
import { networkSchema } from '../contracts/network.ts'
import { policyStoreSchema } from '../contracts/policy-store.ts'
import { priceSchema } from '../contracts/price.ts'
import { parseContractName, parsePlanName } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseRegion, parseTier, TIERS } from '../core/tenant.ts'
import { publicJwkSchema } from '../tokens/public-jwk.ts'
import { orFile } from './from-file.ts'
import { TENANT_KINDS } from './kinds.ts'

const PER_MINUTE_MAX = 10_000_000

/** Where a tenant's tokens come from when no identity plane of ours says so: in standalone mode only. */
const realmSchema = z.strictObject({
  issuer: z.url(),
  /** The public keys as they are, by a file, or an address from which they are read again and again. */
  keys: orFile(
    z.union([
      z.strictObject({ keys: z.array(publicJwkSchema).min(1).max(12) }),
      z.strictObject({ url: z.url({ protocol: /^https?$/ }) }),
    ]),
  ),
})

export const tenantSpecSchema = z.strictObject({
  /** What people call it. Default: its id. */
  displayName: z.string().min(1).max(200).optional(),
  tier: parsed(parseTier),
  region: parsed(parseRegion),
  plan: parsed(parsePlanName),
  /** Host names that are this tenant's alone. */
  hosts: z
    .array(
      z
        .string()
        .regex(
          /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
        ),
    )
    .max(20)
    .optional(),
  network: networkSchema.optional(),
  /** Besides its plan's. */
  limits: limitsSchema.optional(),
  realm: realmSchema.optional(),
})

export const planSpecSchema = z.strictObject({
  tiers: z
    .array(z.enum(TIERS))
    .min(1)
    .max(TIERS.length)
    .refine((tiers) => new Set(tiers).size === tiers.length, 'each tier once'),
  requestsPerMinute: z.int().min(1).max(PER_MINUTE_MAX),
  leasesPerMinute: z.int().min(1).max(PER_MINUTE_MAX),
  leaseSecondsMax: z.int().min(1).max(3_600),
  /** Onboarding on it needs a second person. */
  approval: z.boolean().default(false),
  limits: limitsSchema.optional(),
  /** A contract of the platform, for its tenants who have none of their own. Default: all services. */
  contract: parsed(parseContractName).optional(),
  /** Under overload the lower ones wait and are refused first. Default 5. */
  priority: z.int().min(0).max(9).optional(),
  /** Its tenants' share of what is scarce, relative to other plans'. Default 1. */
  weight: z.int().min(1).max(1_000).optional(),
  /** What administrators of its tenants may declare themselves. Default: guardrails and policies. */
  selfService: z.array(z.enum(TENANT_KINDS)).optional(),
  /** Days for which its tenants' audit logs can be read, and a month at most. Default: always. */
  auditDays: z.int().min(1).max(36_500).optional(),
  /** What it costs. Each generation of the manifest is a version of the price. Default: nothing. */
  billing: priceSchema.optional(),
})

const entityName = z.string().min(1).max(700)

/** What a store is expected to decide; kept beside it, and told to nobody but who tests it. */
export const policyTestSchema = z.strictObject({
  name: z.string().min(1).max(200),
  /** Entities in Cedar's own syntax: `User::"alice"`. */
  principal: entityName,
  action: entityName,
  resource: entityName,
  context: z.record(z.string(), z.json()).optional(),
  /** Besides the store's, for this test. */
  entities: policyStoreSchema.shape.entities,
  expect: z.enum(['allow', 'deny']),
})

const { policies, entities } = policyStoreSchema.shape
const policyText = policies.element.extend({ text: orFile(policies.element.shape.text.clone()) })

export const policyStoreSpecSchema = policyStoreSchema
  .omit({ version: true, parsed: true })
  .extend({
    schema: orFile(policyStoreSchema.shape.schema.clone()),
    policies: z.array(policyText).max(2_000),
    templates: z.array(policyText).max(200).optional(),
    entities: orFile(entities.clone()),
    rego: orFile(policyStoreSchema.shape.rego.clone()),
    tests: orFile(z.array(policyTestSchema).max(500).optional()),
  })

/** Above every tenant's: it only forbids. */
export const platformPolicySpecSchema = z.strictObject({
  policies: z.array(policyText).max(200),
})

export const contractManifestSpecSchema = contractSpecSchema.extend({
  apis: z
    .array(apiSchema.extend({ openapi: orFile(apiSchema.shape.openapi.clone()) }))
    .min(1)
    .max(200),
})
