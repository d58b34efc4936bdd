import { z } from 'zod'
import { parsed } from '../core/parsed.ts'
import { parseTenantId, type TenantId } from '../core/tenant.ts'

declare const logBrand: unique symbol
/** A log's name: `platform`, or `tenant/acme`. Only `logOf` makes one. */
export type LogName = string & { readonly [logBrand]: true }

/** The log that holds what concerns a tenant, or, without one, the platform's own. */
export function logOf(tenant: TenantId | undefined): LogName {
  return (tenant === undefined ? 'platform' : `tenant/${tenant}`) as LogName
}

/** What kinds of acts are entered. Each has its class in OCSF: `docs/audit.md`. */
export const CATEGORIES = [
  /** Signing in and out, tokens issued, exchanged and refused. */
  'authentication',
  /** Sessions, tokens, keys and credentials that were ended. */
  'revocation',
  /** A request that the front door or a policy let through or refused. */
  'decision',
  /** A credential for a tenant's data, granted or refused. */
  'lease',
  /** One tenant's consent for another, and its uses. */
  'grant',
  /** Users, groups, roles, clients, connections. */
  'directory',
  /** What is declared: contracts, policies, guardrails, plans. */
  'configuration',
  /** Onboarding, moves, suspension, offboarding, step by step. */
  'lifecycle',
  /** Operators' access to a tenant's data. */
  'support',
  'export',
  'erasure',
  /** Signing keys: made, rotated, taken out of use. */
  'keys',
  /** Invoices, corrections, prices. */
  'billing',
  /** What a detector found and what was done about it. */
  'detection',
] as const
export type Category = (typeof CATEGORIES)[number]

const text = z.string().min(1).max(500)

/** Who, or what: a subject of a realm, a client, an operator, a workload, the platform itself. */
const actorSchema = z.strictObject({
  kind: z.enum(['user', 'client', 'operator', 'workload', 'platform', 'unknown']),
  id: text,
  /** The tenant that the actor belongs to, when it is another than the log's. */
  tenant: parsed(parseTenantId).optional(),
})
export type AuditActor = z.output<typeof actorSchema>

/**
 * One entry of an audit log, as its writer makes it. No credential, token, body, path or query is in it.
 * The same entry, known by its `id`, may be handed over any number of times and is entered once.
 */
export const auditEntrySchema = z.strictObject({
  /** A UUID, made with the act. */
  id: z.uuid(),
  time: z.iso.datetime(),
  /** Whose log: absent for the platform's own. */
  tenant: parsed(parseTenantId).optional(),
  category: z.enum(CATEGORIES),
  /** A stable word with a dot: `lease.granted`, `user.signed-in`. */
  action: z
    .string()
    .regex(/^[a-z][a-z-]*\.[a-z][a-z-]*$/)
    .max(80),
  actor: actorSchema,
  /** The principal in whose place the actor acts. */
  on_behalf_of: actorSchema.optional(),
  /** What it was done to. */
  object: z.strictObject({ type: text, id: text }).optional(),
  decision: z.enum(['allowed', 'denied', 'done', 'failed']),
  /** What decided: the name of a check, an engine, a policy store, a person's approval. */
  layer: text,
  /** A stable word or a short sentence for the tenant's own eyes: it names no other tenant. */
  reason: text.optional(),
  request_id: text.optional(),
  /** W3C trace id: 32 hexadecimal digits. */
  trace_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/)
    .optional(),
  /** The caller's address. */
  address: z.union([z.ipv4(), z.ipv6()]).optional(),
  /** Under which a principal of another tenant acts. */
  grant_id: text.optional(),
  detail: z
    .record(z.string().max(80), z.union([z.string().max(2_000), z.number(), z.boolean(), z.null()]))
    .optional(),
})
export type AuditEntry = z.output<typeof auditEntrySchema>
