import { z } from 'zod'
import type {
  CutOver,
  Erasure,
  ExportManifest,
  LeaseRecord,
  MoveProgress,
  Placement,
  Revocation,
  SmokeCheck,
  Sweep,
} from '../boundaries/boundary.ts'
import type { CostReading } from '../boundaries/costs.ts'
import { type Finding, SEVERITIES } from '../core/finding.ts'
import { type Lease, type LeaseId, SCOPES } from '../core/lease.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseRegion, parseTenantId, TIERS } from '../core/tenant.ts'

/** Times travel as ISO 8601 in UTC, with milliseconds. */
const time = z.iso.datetime().transform((text) => new Date(text))
const leaseId = z
  .string()
  .max(200)
  .transform((text) => text as LeaseId)
const cell = parsed(parseCellName)
const number = z.number().nonnegative()

/** Checks what came from the other side and makes it what it was. */
export type Reader<T> = z.ZodType<T>

export const tenantId = parsed(parseTenantId)
export const tier = z.enum(TIERS)
export const scope = z.enum(SCOPES)
export const tenant = z.strictObject({ id: tenantId, tier, region: parsed(parseRegion) })
export const ofTenant = z.strictObject({ tenant: tenantId })
export const someLease = leaseId.optional()

/** Nothing to say but that it is done. */
export const done = z.null().transform(() => undefined)

export const placement: Reader<Placement> = z.object({
  tenant: tenantId,
  tier,
  cell,
  key: z.string(),
  place: z.string(),
})

export const lease: Reader<Lease> = z.object({
  lease_id: leaseId,
  lease_duration: number,
  renewable: z.boolean(),
  tenant: tenantId,
  boundary: z.string(),
  tier,
  cell,
  scope,
  issued_at: time,
  expires_at: time,
  credential: z.record(z.string(), z.union([z.string(), z.number()])),
})

const record = z
  .object({
    lease_id: leaseId,
    tenant: tenantId,
    scope,
    holder: z.string(),
    issued_at: time,
    expires_at: time,
    ended_at: time.optional(),
    ended_why: z.string().optional(),
  })
  .transform((one) => ({ ...one, ended_at: one.ended_at, ended_why: one.ended_why }))
export const records: Reader<readonly LeaseRecord[]> = z.array(record)

export const revocation: Reader<Revocation> = z.object({
  leases: z.array(leaseId),
  sessionsEnded: number,
})

export const sweep: Reader<Sweep> = z.object({
  leasesExpired: number,
  sessionsEnded: number,
  overBudget: z.array(z.string()),
})

const finding = z
  .object({
    rule: z.string(),
    severity: z.enum(SEVERITIES),
    object: z.string(),
    explanation: z.string(),
    fix: z.string().optional(),
  })
  .transform((one) => ({ ...one, fix: one.fix }))
export const findings: Reader<readonly Finding[]> = z.array(finding)

export const smokeChecks: Reader<readonly SmokeCheck[]> = z.array(
  z.object({ id: z.string(), held: z.boolean(), outcome: z.string() }),
)

const counted = z.array(z.object({ item: z.string(), count: number }))

export const erasure: Reader<Erasure> = z.object({
  tenant: tenantId,
  erasedAt: time,
  deleted: counted,
  probes: z.array(z.object({ place: z.string(), found: number })),
  notCovered: z.array(z.string()),
})

export const moveProgress: Reader<MoveProgress> = z.object({
  from: tier,
  to: tier,
  copied: number,
  items: counted,
})

export const cutOver: Reader<CutOver> = z.object({
  placement,
  verified: z.array(z.object({ item: z.string(), count: number, hash: z.string() })),
  pausedMs: number,
})

export const costs: Reader<readonly CostReading[]> = z.array(
  z.object({
    tenant: tenantId,
    kind: z.enum(['storage', 'query']),
    form: z.enum(['level', 'counter']),
    /** Travels as decimal digits: JSON's numbers are not exact. */
    value: z
      .string()
      .regex(/^\d{1,40}$/)
      .transform((digits) => BigInt(digits)),
    epoch: z.string().max(200),
  }),
)

export const manifest: Reader<ExportManifest> = z.object({
  tenant: tenantId,
  engine: z.string(),
  exportedAt: time,
  items: z.array(z.object({ item: z.string(), count: number, bytes: number, sha256: z.string() })),
})
