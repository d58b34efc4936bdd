import { z } from 'zod'
import { SCOPES } from '../core/lease.ts'

/**
 * `grant`, `renewal`, `revocation`: what a caller asked for and got. `denial`: what it did not get.
 * `ended`: leases that the configuration, or a revocation, took away. `uncounted`: denials of unknown
 * callers beyond those that are written one by one.
 */
export const ACTS = ['grant', 'renewal', 'revocation', 'denial', 'ended', 'uncounted'] as const

/** What decided. The first five are checks; `cache`, `engine` and `journal` come after them. */
export const LAYERS = [
  'form',
  'client',
  'context',
  'tenant',
  'scope',
  'limit',
  'lease',
  'configuration',
  'cache',
  'engine',
  'journal',
] as const
export type Layer = (typeof LAYERS)[number]

/**
 * One line of vending's own in the journal. It names tokens by their id and leases by theirs: no credential, token or
 * assertion is in it.
 */
export const journalEntrySchema = z.strictObject({
  at: z.iso.datetime(),
  act: z.enum(ACTS),
  /** The answer's own id, in its `x-request-id`. */
  request_id: z.string(),
  /** False when the tenant and the workload are only what the caller claimed. */
  verified: z.boolean(),
  tenant: z.string().optional(),
  /** The principal on whose behalf, inside the tenant. */
  subject: z.string().optional(),
  /** Who acts in the principal's place. */
  actor: z.string().optional(),
  /** The principal's session at the realm. */
  session: z.string().optional(),
  /** The access token that the request came with: its `jti`, its client and its time of issue. */
  token: z
    .strictObject({ id: z.string(), client: z.string(), issued_at: z.iso.datetime() })
    .optional(),
  workload: z.string().optional(),
  scope: z.enum(SCOPES).optional(),
  layer: z.enum(LAYERS),
  /** Stable words: `replayed`, `opened`, `tenant-suspended`. */
  reason: z.string(),
  lease_id: z.string().optional(),
  cell: z.string().optional(),
  expires_at: z.iso.datetime().optional(),
  /** Ids (`jti`) of the client assertion and of the tenant context, when they were verified. */
  assertion_id: z.string().optional(),
  context_id: z.string().optional(),
  /** The request or job at the front door: joins this entry with the gateway's. */
  context_request_id: z.string().optional(),
  /** Under which a principal of another tenant acts, and which tenant that is. */
  grant_id: z.string().optional(),
  grantee: z.string().optional(),
  /** How many, for `ended` and `uncounted`. */
  count: z.int().optional(),
})

export type JournalEntry = z.output<typeof journalEntrySchema>
