import { z } from 'zod'
import { ATTACK_KINDS } from '../boundaries/boundary.ts'
import { SEVERITIES } from '../core/finding.ts'
import { TIERS } from '../core/tenant.ts'

/**
 * What a run of the proof says, as plain JSON. Words: a *strike* is one attack by one tenant on
 * another; a *mutant* is a deliberate weakening that an attack or an inspection must notice; a
 * *limit* is a channel that the engine cannot close on a tier, stated and never counted as denied.
 */

/**
 * `proven`: every strike was denied or is a stated limit, and every mutant was noticed. `leak`: an
 * attack reached another tenant, or an inspection found the boundary wider than promised.
 * `unnoticed`: nobody noticed a mutant, so the proof cannot be trusted to fail. `void`: something
 * that had to be shown could not be.
 */
export const PROOF_VERDICTS = ['proven', 'leak', 'unnoticed', 'void'] as const
export type ProofVerdict = (typeof PROOF_VERDICTS)[number]

const tier = z.enum(TIERS)
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/)

const findingSchema = z.object({
  rule: z.string(),
  severity: z.enum(SEVERITIES),
  object: z.string(),
  explanation: z.string(),
  fix: z.string().optional(),
})

const strikeSchema = z.object({
  attack: z.string(),
  attacker: z.string(),
  victim: z.string(),
  verdict: z.enum(['denied', 'leaked', 'limit', 'void']),
  owner: z.string(),
  outcome: z.string(),
  milliseconds: z.number(),
})

const mutantSchema = z.object({
  id: z.string(),
  title: z.string(),
  /** `void`: the weakened copy could not be made, or nothing on it could be shown. */
  status: z.enum(['noticed', 'unnoticed', 'void']),
  /** Ids of attacks and rules. Attacks stop at the first that notices, unless the run is thorough. */
  noticedBy: z.object({ attacks: z.array(z.string()), findings: z.array(z.string()) }),
  strikes: z.number().int(),
  reason: z.string().optional(),
  milliseconds: z.number(),
})

const tierSchema = z.object({
  engine: z.string(),
  tier,
  /** Empty unless the tier is void. */
  voidReasons: z.array(z.string()),
  strikes: z.array(strikeSchema),
  findings: z.array(findingSchema),
  mutants: z.array(mutantSchema),
  milliseconds: z.number(),
})

const attackSchema = z.object({
  engine: z.string(),
  id: z.string(),
  title: z.string(),
  kind: z.enum(ATTACK_KINDS),
  tiers: z.array(tier),
  references: z.array(z.string()),
})

const countsSchema = z.object({
  attacks: z.number().int(),
  strikes: z.number().int(),
  denied: z.number().int(),
  leaked: z.number().int(),
  limit: z.number().int(),
  void: z.number().int(),
  /** Findings above `info`, of the rehearsals and of the live boundaries. */
  findings: z.number().int(),
  mutants: z.number().int(),
  noticed: z.number().int(),
  unnoticed: z.number().int(),
  mutantsVoid: z.number().int(),
})

const limitSchema = z.object({
  engine: z.string(),
  tier,
  sentence: z.string(),
  attacks: z.array(z.string()),
})

export const proofReportSchema = z.object({
  apiVersion: z.literal('ringfence.dev/v1'),
  kind: z.literal('ProofReport'),
  verdict: z.enum(PROOF_VERDICTS),
  /** The process's exit code: 0 proven, 1 a leak or an unnoticed mutant, 2 void. */
  exitCode: z.union([z.literal(0), z.literal(1), z.literal(2)]),
  /** Why the verdict is what it is: sentences for people. */
  reasons: z.array(z.string()),
  startedAt: z.iso.datetime(),
  finishedAt: z.iso.datetime(),
  milliseconds: z.number(),
  tool: z.object({ name: z.string(), version: z.string(), node: z.string() }),
  /** What was proven: an artefact's or a schema's name and digest. */
  subjects: z.array(z.object({ name: z.string(), digest: z.object({ sha256: sha256Hex }) })),
  /** Facts about where it ran, in the caller's words: `postgres`: `18.4`. */
  environment: z.record(z.string(), z.string()),
  selection: z.object({
    tenants: z.array(z.string()),
    mutants: z.boolean(),
    thorough: z.boolean(),
    /** Ids that the run was narrowed to; empty for a full run. */
    only: z.array(z.string()),
  }),
  counts: countsSchema,
  attacks: z.array(attackSchema),
  tiers: z.array(tierSchema),
  limits: z.array(limitSchema),
  /** What inspections of the live boundaries found, where the caller asked for them. */
  live: z.array(
    z.object({
      engine: z.string(),
      voidReasons: z.array(z.string()),
      findings: z.array(findingSchema),
    }),
  ),
  /** What went wrong beside the proof, such as a throw-away copy that could not be removed. */
  warnings: z.array(z.string()),
})

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

export type ProofReport = DeepReadonly<z.infer<typeof proofReportSchema>>
export type TierReport = ProofReport['tiers'][number]
export type StrikeReport = TierReport['strikes'][number]
export type MutantReport = TierReport['mutants'][number]
export type AttackReport = ProofReport['attacks'][number]
export type FindingReport = TierReport['findings'][number]
export type LimitReport = ProofReport['limits'][number]
export type ProofSubject = ProofReport['subjects'][number]
export type ProofCounts = ProofReport['counts']
