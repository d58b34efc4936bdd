import type { Rehearsal, Verdict } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { boundedCall } from './bounded-call.ts'
import { oneLine } from './one-line.ts'
import type { PlannedStrike } from './plan-proof.ts'
import type { StrikeReport } from './proof-report.ts'
import type { RunContext } from './run-context.ts'

/**
 * Runs one attack. Whatever keeps it from being run makes it void, never denied.
 * @throws RingfenceError `timed_out` or `void_run` when the whole rehearsal has to be given up
 */
export async function runStrike(
  rehearsal: Rehearsal,
  planned: PlannedStrike,
  context: RunContext,
): Promise<StrikeReport> {
  const { attack, attacker, victim } = planned
  const name = `attack ${attack.id}`
  const started = context.now()
  const report = (verdict: Verdict, owner: string, outcome: string): StrikeReport => ({
    attack: attack.id,
    attacker,
    victim,
    verdict,
    owner: oneLine(owner),
    outcome: oneLine(outcome),
    milliseconds: Math.round(context.now() - started),
  })
  try {
    const strike = await boundedCall(name, context.limits, () =>
      rehearsal.strike(attack, attacker, victim),
    )
    // A limit is one only if the attack says so beforehand; else it is a leak.
    if (strike.verdict === 'limit' && attack.limits[rehearsal.tier] === undefined) {
      return report('leaked', strike.owner, `${strike.outcome} (called a limit that nobody stated)`)
    }
    return report(strike.verdict, strike.owner, strike.outcome)
  } catch (error) {
    const over = error instanceof RingfenceError && error.code === 'timed_out'
    if (over || context.limits.signal?.aborted === true) throw error
    return report('void', 'not seen', `the attack could not be run: ${messageOf(error)}`)
  }
}
