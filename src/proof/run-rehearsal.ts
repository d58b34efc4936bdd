import type { Attack, Rehearsal } from '../boundaries/boundary.ts'
import { messageOf } from '../core/errors.ts'
import type { Finding } from '../core/finding.ts'
import { boundedCall } from './bounded-call.ts'
import { forEachAtOnce } from './for-each-at-once.ts'
import { oneLine } from './one-line.ts'
import type { PlannedRehearsal } from './plan-proof.ts'
import type { FindingReport, MutantReport, StrikeReport, TierReport } from './proof-report.ts'
import { canariesMissing, withRehearsal, type RunContext } from './run-context.ts'
import { runMutant } from './run-mutant.ts'
import { runStrike } from './run-strike.ts'

/**
 * Rehearses one tier: the canaries, the attacks, the inspection, then each mutant. What goes wrong
 * makes the tier void with the reason.
 * @throws RingfenceError `void_run` when the run is interrupted
 */
export async function runRehearsal(
  plan: PlannedRehearsal,
  wantsMutants: boolean,
  context: RunContext,
): Promise<TierReport> {
  const { boundary, tier } = plan
  const where = { engine: boundary.engine, tier }
  const started = context.now()
  const strikes: (StrikeReport | undefined)[] = []
  const mutants: MutantReport[] = []
  const voidReasons: string[] = []
  let findings: readonly Finding[] = []
  const name = `the ${tier} rehearsal on ${boundary.engine}`
  const run = async (rehearsal: Rehearsal) => {
    const missing = await canariesMissing(name, rehearsal, context)
    if (missing.length > 0) {
      voidReasons.push(`the administrator does not see the canaries of ${missing.join(', ')}`)
      return
    }
    await forEachAtOnce(plan.strikes, context.strikesAtOnce, async (planned, index) => {
      const strike = await runStrike(rehearsal, planned, context)
      strikes[index] = strike
      context.emit({ type: 'strike', ...where, strike })
    })
    findings = await boundedCall(`inspecting ${name}`, context.limits, () => rehearsal.inspect())
    const baseline = { strikes: strikes.filter((strike) => strike !== undefined), findings }
    const noticed = new Map<string, number>()
    for (const mutant of plan.mutants) {
      const attacks = bestNoticersFirst(plan.attacks, noticed)
      const result = await runMutant(mutant, rehearsal, baseline, attacks, context)
      for (const id of result.noticedBy.attacks) noticed.set(id, (noticed.get(id) ?? 0) + 1)
      mutants.push(result)
      context.emit({ type: 'mutant', ...where, mutant: result })
    }
  }
  context.emit({ type: 'tier-started', ...where })
  if (plan.attacks.length === 0) voidReasons.push('no attack is made for this tier')
  if (wantsMutants && plan.mutants.length === 0) {
    voidReasons.push(
      'no mutant is made for this tier, so that nothing shows that its proof can fail',
    )
  }
  try {
    if (plan.attacks.length > 0) {
      await withRehearsal(name, context, () => boundary.rehearse(tier, context.tenants), run)
    }
  } catch (error) {
    if (context.limits.signal?.aborted === true) throw error
    voidReasons.push(oneLine(messageOf(error)))
  }
  const report: TierReport = {
    ...where,
    voidReasons,
    strikes: strikes.filter((strike) => strike !== undefined),
    findings: findings.map(reportFinding),
    mutants,
    milliseconds: Math.round(context.now() - started),
  }
  context.emit({ type: 'tier-finished', report })
  return report
}

/** A finding as plain JSON, in single lines. */
export function reportFinding(finding: Finding): FindingReport {
  return {
    rule: finding.rule,
    severity: finding.severity,
    object: oneLine(finding.object),
    explanation: oneLine(finding.explanation),
    ...(finding.fix === undefined ? {} : { fix: finding.fix }),
  }
}

/** Attacks that noticed earlier mutants come first: a few attacks notice most weakenings. */
function bestNoticersFirst(
  attacks: readonly Attack[],
  noticed: ReadonlyMap<string, number>,
): readonly Attack[] {
  return attacks.toSorted((a, b) => (noticed.get(b.id) ?? 0) - (noticed.get(a.id) ?? 0))
}
