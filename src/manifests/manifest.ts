import { z } from 'zod'
import { guardrailSpecSchema } from '../contracts/guardrail.ts'
import { meterSpecSchema } from '../contracts/meter.ts'
import { upstreamSpecSchema } from '../contracts/upstream.ts'
import { RingfenceError } from '../core/errors.ts'
import {
  parseContractName,
  parseGuardrailName,
  parseMeterName,
  parsePlanName,
  parseStoreName,
  parseUpstreamName,
} from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'
import { flatIssues } from './flat-issues.ts'
import { isTenantKind, MANIFEST_VERSION, type ManifestKind } from './kinds.ts'
import {
  contractManifestSpecSchema,
  planSpecSchema,
  platformPolicySpecSchema,
  policyStoreSpecSchema,
  tenantSpecSchema,
} from './specs.ts'

const apiVersion = z.literal(MANIFEST_VERSION)

/** Something of the platform's own: no tenant can be its owner. */
function ofPlatform<K extends ManifestKind, N, S extends z.ZodType>(
  kind: K,
  parseName: (value: unknown) => N,
  spec: S,
) {
  const metadata = z.strictObject({
    name: parsed(parseName),
    tenant: z.never({ error: `a ${kind} is the platform’s: it has no tenant` }).optional(),
  })
  return z.strictObject({ apiVersion, kind: z.literal(kind), metadata, spec })
}

/** Something that the platform can have, or a tenant: whose it is stands in `metadata.tenant`. */
function ofEither<K extends ManifestKind, N, S extends z.ZodType>(
  kind: K,
  parseName: (value: unknown) => N,
  spec: S,
) {
  const metadata = z.strictObject({
    name: parsed(parseName),
    /** Absent: the platform's. */
    tenant: parsed(parseTenantId).optional(),
  })
  return z.strictObject({ apiVersion, kind: z.literal(kind), metadata, spec })
}

/** One schema a kind. */
export const MANIFEST_SCHEMAS = {
  Tenant: ofPlatform('Tenant', parseTenantId, tenantSpecSchema),
  Plan: ofPlatform('Plan', parsePlanName, planSpecSchema),
  Upstream: ofEither('Upstream', parseUpstreamName, upstreamSpecSchema),
  Contract: ofEither('Contract', parseContractName, contractManifestSpecSchema),
  Guardrail: ofEither('Guardrail', parseGuardrailName, guardrailSpecSchema),
  PolicyStore: ofEither('PolicyStore', parseStoreName, policyStoreSpecSchema),
  Meter: ofPlatform('Meter', parseMeterName, meterSpecSchema),
} as const

export const manifestSchema = z
  .discriminatedUnion('kind', [
    MANIFEST_SCHEMAS.Tenant,
    MANIFEST_SCHEMAS.Plan,
    MANIFEST_SCHEMAS.Upstream,
    MANIFEST_SCHEMAS.Contract,
    MANIFEST_SCHEMAS.Guardrail,
    MANIFEST_SCHEMAS.PolicyStore,
    MANIFEST_SCHEMAS.Meter,
  ])
  .superRefine((manifest, context) => {
    if (manifest.kind !== 'PolicyStore' || manifest.metadata.tenant !== undefined) return
    const read = platformPolicySpecSchema.safeParse(manifest.spec)
    for (const { path, message } of flatIssues(read.error?.issues ?? [])) {
      context.addIssue({ code: 'custom', message, path: ['spec', ...path] })
    }
  })

export type Manifest = z.output<typeof manifestSchema>
export type ManifestOf<K extends ManifestKind> = Extract<Manifest, { kind: K }>
export type SpecOf<K extends ManifestKind> = ManifestOf<K>['spec']

/** Whose a manifest is; undefined for the platform. */
export function ownerOf({ metadata }: Manifest): TenantId | undefined {
  return metadata.tenant
}

/** What names one thing among all. */
export interface Reference {
  readonly kind: ManifestKind
  readonly name: string
  readonly tenant: TenantId | undefined
}

export function referenceOf(manifest: Manifest): Reference {
  return { kind: manifest.kind, name: manifest.metadata.name, tenant: ownerOf(manifest) }
}

/** One text for each reference: owner, kind and name cannot run into each other. */
export function keyOf({ kind, name, tenant }: Reference): string {
  return `${tenant ?? ''}/${kind}/${name}`
}

/**
 * Reads the name of a thing of a kind, and whose it is.
 * @throws RingfenceError `invalid_argument`, `invalid_tenant_id`
 */
export function readReference(kind: ManifestKind, name: string, tenant?: TenantId): Reference {
  const read = MANIFEST_SCHEMAS[kind].shape.metadata.shape.name.safeParse(name)
  if (!read.success) {
    throw new RingfenceError('invalid_argument', read.error.issues[0]?.message ?? 'not a name')
  }
  if (tenant !== undefined && !isTenantKind(kind)) {
    throw new RingfenceError('invalid_argument', `a ${kind} is the platform’s: it has no tenant`)
  }
  return { kind, name: read.data, tenant }
}
