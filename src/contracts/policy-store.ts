import { z } from 'zod'

const identifier = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9_.:-]{0,99}$/)
const policySchema = z.strictObject({ id: identifier, text: z.string().min(1).max(20_000) })

/** An entity in Cedar's JSON form: the compiler of stores looks at it closely. */
const entitySchema = z.strictObject({
  uid: z.strictObject({ type: z.string().max(200), id: z.string().max(500) }),
  attrs: z.record(z.string(), z.json()),
  parents: z.array(z.strictObject({ type: z.string().max(200), id: z.string().max(500) })),
  tags: z.record(z.string(), z.json()).optional(),
})

/** A tenant's own policies, as they were validated when they were written. */
export const policyStoreSchema = z.strictObject({
  /** Counts up by one with each change, within one tenant. */
  version: z.int().min(1),
  /** In Cedar's own syntax. */
  schema: z.string().max(200_000).optional(),
  policies: z.array(policySchema).max(2_000),
  templates: z.array(policySchema).max(200).optional(),
  links: z
    .array(
      z.strictObject({
        id: identifier,
        template: identifier,
        principal: z.string().max(500).optional(),
        resource: z.string().max(500).optional(),
      }),
    )
    .max(5_000)
    .optional(),
  entities: z.array(entitySchema).max(10_000).optional(),
  /** A bundle compiled from Rego, Base64: it decides besides, and both must allow. */
  rego: z.string().max(2_000_000).optional(),
  /**
   * What was made of the texts when they were validated, as JSON: gateways then decide without
   * reading Cedar themselves. Not written by people.
   */
  parsed: z.string().max(20_000_000).optional(),
})

/** What the platform forbids, above every tenant's store: `forbid` policies only. */
export const platformPoliciesSchema = z.array(policySchema).max(200)

export type PolicyStoreConfig = z.output<typeof policyStoreSchema>
export type PlatformPolicies = z.output<typeof platformPoliciesSchema>
