import type { Attack, Mutant, Rehearsal, Verdict } from '../boundaries/boundary.ts'
import type { Finding } from '../core/finding.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { boundedCall } from './bounded-call.ts'
import { oneLine } from './one-line.ts'
import type { MutantReport, StrikeReport } from './proof-report.ts'
import { canariesMissing, withRehearsal, type RunContext } from './run-context.ts'
import { runStrike } from './run-strike.ts'

/** What the copy showed before it was weakened. */
export interface Baseline {
  readonly strikes: readonly StrikeReport[]
  readonly findings: readonly Finding[]
}

const RANK: Readonly<Record<Verdict, number>> = { void: -1, denied: 0, limit: 1, leaked: 2 }

/** True if the attack got further on the weakened copy. A baseline that showed nothing notices nothing. */
function gotFurther(before: Verdict | undefined, after: Verdict): boolean {
  return before !== undefined && before !== 'void' && RANK[after] > RANK[before]
}

/** Rules above `info` that fire on the weakened copy for objects on which they did not fire before. */
function newRules(before: readonly Finding[], after: readonly Finding[]): readonly string[] {
  const key = (finding: Finding) => JSON.stringify([finding.rule, finding.object])
  const wide = (finding: Finding) => finding.severity !== 'info'
  const known = new Set(before.filter(wide).map(key))
  const fresh = after.filter((finding) => wide(finding) && !known.has(key(finding)))
  return [...new Set(fresh.map(({ rule }) => rule))]
}

/**
 * Weakens a copy of the rehearsal and finds out who notices: first the inspection, then the attacks
 * that the mutant names, by the first tenant on the second, up to the first that notices. The other
 * attacks follow where nobody noticed, or the run is thorough; where still nobody did, all are tried
 * the other way, for a lopsided weakening.
 * @throws RingfenceError `timed_out` or `void_run` when the whole rehearsal has to be given up
 */
export async function runMutant(
  mutant: Mutant,
  rehearsal: Rehearsal,
  baseline: Baseline,
  attacks: readonly Attack[],
  context: RunContext,
): Promise<MutantReport> {
  const started = context.now()
  const name = `the copy weakened by ${mutant.id}`
  const noticedBy = { attacks: [] as string[], findings: [] as string[] }
  let strikes = 0
  let shown = 0
  let reason: string | undefined
  const [first, second] = context.tenants
  const noticed = () => noticedBy.attacks.length + noticedBy.findings.length > 0
  const named = mutant.noticedBy ?? []
  const known = attacks.filter(({ id }) => named.includes(id))
  const others = attacks.filter(({ id }) => !named.includes(id))
  const strikeWith = async (
    tried: readonly Attack[],
    weakened: Rehearsal,
    attacker: TenantId,
    victim: TenantId,
  ) => {
    for (const attack of tried) {
      const after = await runStrike(weakened, { attack, attacker, victim }, context)
      strikes += 1
      if (after.verdict !== 'void') shown += 1
      const before = baseline.strikes.find(
        (strike) => strike.attack === attack.id && strike.attacker === attacker,
      )
      if (gotFurther(before?.verdict, after.verdict)) {
        noticedBy.attacks.push(attack.id)
        if (!context.thorough) return
      }
    }
  }
  const probe = async (weakened: Rehearsal) => {
    const missing = await canariesMissing(name, weakened, context)
    if (missing.length > 0 || first === undefined || second === undefined) {
      reason = `canaries not seen: ${missing.join(', ')}`
      return
    }
    const findings = await boundedCall(`inspecting ${name}`, context.limits, () =>
      weakened.inspect(),
    )
    noticedBy.findings.push(...newRules(baseline.findings, findings))
    await strikeWith(known, weakened, first, second)
    if (!noticed() || context.thorough) await strikeWith(others, weakened, first, second)
    if (!noticed()) await strikeWith(attacks, weakened, second, first)
    if (!noticed() && shown === 0) reason = 'no attack on the weakened copy showed anything'
  }
  try {
    await withRehearsal(name, context, () => rehearsal.weaken(mutant), probe)
  } catch (error) {
    const over = error instanceof RingfenceError && error.code === 'timed_out'
    if (over || context.limits.signal?.aborted === true) throw error
    reason = oneLine(messageOf(error))
  }
  return {
    id: mutant.id,
    title: oneLine(mutant.title),
    status: reason !== undefined ? 'void' : noticed() ? 'noticed' : 'unnoticed',
    noticedBy,
    strikes,
    ...(reason === undefined ? {} : { reason }),
    milliseconds: Math.round(context.now() - started),
  }
}
