import { messageOf, RingfenceError } from '../core/errors.ts'
import { boundedCall, requireRunning } from './bounded-call.ts'
import { forEachAtOnce } from './for-each-at-once.ts'
import { countProof, judgeProof, statedLimits } from './judge-proof.ts'
import { oneLine } from './one-line.ts'
import { planProof, type ProofPlan } from './plan-proof.ts'
import {
  CALL_SECONDS_MAX_DEFAULT,
  PROOF_CONCURRENCY_DEFAULT,
  type ProofOptions,
} from './proof-options.ts'
import type { AttackReport, ProofReport, ProofVerdict, TierReport } from './proof-report.ts'
import type { RunContext } from './run-context.ts'
import { reportFinding, runRehearsal } from './run-rehearsal.ts'

const EXIT_CODES: Readonly<Record<ProofVerdict, 0 | 1 | 2>> = {
  proven: 0,
  leak: 1,
  unnoticed: 1,
  void: 2,
}

/** Most rehearsals, or strikes in one, at once. */
const AT_ONCE_MAX = 16

/**
 * Rehearses every boundary on every tier: plants canaries, attacks both ways, inspects, weakens
 * copies with each mutant, and judges. Nothing that goes wrong in an engine makes this throw or
 * pass: it makes the report void, with the reason.
 * @throws RingfenceError `invalid_argument` for options that cannot be run, `void_run` when the
 *   signal interrupts the run; the throw-away copies are closed by then
 */
export async function runProof(options: ProofOptions): Promise<ProofReport> {
  const plan = planProof(options)
  const clock = options.clock ?? (() => new Date())
  const startedAt = clock()
  const warnings: string[] = []
  const context = readContext(options, plan, (sentence) => warnings.push(sentence))
  const only = options.only ?? []
  // A full run promises mutants on every tier; a narrowed one may have none on some.
  const mutantsPromised = options.mutants !== false && only.length === 0
  requireRunning(options.signal)
  context.emit({
    type: 'planned',
    tiers: plan.rehearsals.map(({ boundary, tier, strikes, mutants }) => ({
      engine: boundary.engine,
      tier,
      strikes: strikes.length,
      mutants: mutants.length,
    })),
  })
  const reports: (TierReport | undefined)[] = []
  await forEachAtOnce(
    plan.rehearsals,
    atOnce('concurrency', options.concurrency ?? PROOF_CONCURRENCY_DEFAULT),
    async (rehearsal, index) => {
      reports[index] = await runRehearsal(rehearsal, mutantsPromised, context)
    },
  )
  const tiers = reports.filter((report) => report !== undefined)
  const live = await inspectLive(options, context)
  const selection = {
    tenants: plan.tenants,
    mutants: mutantsPromised || plan.rehearsals.some(({ mutants }) => mutants.length > 0),
    thorough: context.thorough,
    only,
  }
  const counts = countProof({ tiers, live, selection })
  const { verdict, reasons } = judgeProof({ tiers, live, selection }, counts)
  const finishedAt = clock()
  return {
    apiVersion: 'ringfence.dev/v1',
    kind: 'ProofReport',
    verdict,
    exitCode: EXIT_CODES[verdict],
    reasons,
    startedAt: startedAt.toISOString(),
    finishedAt: finishedAt.toISOString(),
    milliseconds: finishedAt.getTime() - startedAt.getTime(),
    tool: { name: 'ringfence', version: options.toolVersion, node: process.versions.node },
    subjects: options.subjects,
    environment: options.environment ?? {},
    selection,
    counts,
    attacks: plannedAttacks(plan),
    tiers,
    limits: statedLimits(options.boundaries, tiers),
    live,
    warnings,
  }
}

function readContext(
  options: ProofOptions,
  plan: ProofPlan,
  warn: (sentence: string) => void,
): RunContext {
  if (options.subjects.length === 0) {
    throw new RingfenceError('invalid_argument', 'a proof needs the name and digest of its subject')
  }
  return {
    tenants: plan.tenants,
    thorough: options.thorough ?? false,
    strikesAtOnce: atOnce('strikesAtOnce', options.strikesAtOnce ?? 1),
    limits: {
      secondsMax: options.callSecondsMax ?? CALL_SECONDS_MAX_DEFAULT,
      signal: options.signal,
    },
    emit: options.onProgress ?? (() => undefined),
    warn,
    now: () => performance.now(),
  }
}

function atOnce(name: string, value: number): number {
  if (!Number.isInteger(value) || value < 1 || value > AT_ONCE_MAX) {
    throw new RingfenceError('invalid_argument', `${name} is a number from 1 to ${AT_ONCE_MAX}`)
  }
  return value
}

/** The findings of boundaries that live, with the reason where one could not be inspected. */
async function inspectLive(
  options: ProofOptions,
  context: RunContext,
): Promise<ProofReport['live']> {
  const live: ProofReport['live'][number][] = []
  const { live: wanted = false } = options
  for (const boundary of options.boundaries) {
    const { engine } = boundary
    if (wanted === false || (wanted !== true && !wanted.includes(engine))) continue
    try {
      const findings = await boundedCall(`inspecting ${engine}`, context.limits, () =>
        boundary.inspect(),
      )
      live.push({ engine, voidReasons: [], findings: findings.map(reportFinding) })
    } catch (error) {
      if (options.signal?.aborted === true) throw error
      live.push({ engine, voidReasons: [oneLine(messageOf(error))], findings: [] })
    }
  }
  return live
}

/** The attacks of the run, in the boundaries' own order. */
function plannedAttacks(plan: ProofPlan): readonly AttackReport[] {
  const attacks = new Map<string, AttackReport>()
  for (const { boundary, attacks: planned } of plan.rehearsals) {
    const chosen = new Set(planned.map(({ id }) => id))
    for (const attack of boundary.attacks()) {
      if (!chosen.has(attack.id)) continue
      attacks.set(`${boundary.engine} ${attack.id}`, {
        engine: boundary.engine,
        id: attack.id,
        title: oneLine(attack.title),
        kind: attack.kind,
        tiers: attack.tiers,
        references: attack.references,
      })
    }
  }
  return [...attacks.values()]
}
