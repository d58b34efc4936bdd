import type { Rehearsal } from '../boundaries/boundary.ts'
import { messageOf } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { boundedCall, type CallLimits } from './bounded-call.ts'
import { oneLine } from './one-line.ts'
import type { ProofEvent } from './proof-options.ts'

/** What every part of a run shares. */
export interface RunContext {
  readonly tenants: readonly TenantId[]
  readonly thorough: boolean
  readonly strikesAtOnce: number
  readonly limits: CallLimits
  readonly emit: (event: ProofEvent) => void
  /** Takes a sentence for the report's warnings. */
  readonly warn: (sentence: string) => void
  readonly now: () => number
}

/** Opens a rehearsal, checks that its canaries can be seen, and closes it whatever happens. */
export async function withRehearsal<T>(
  name: string,
  context: RunContext,
  open: () => Promise<Rehearsal>,
  use: (rehearsal: Rehearsal) => Promise<T>,
): Promise<T> {
  const close = async (rehearsal: Rehearsal) => {
    try {
      // Without the signal: an interrupted run still removes what it made.
      const limits = { secondsMax: context.limits.secondsMax }
      await boundedCall(`closing ${name}`, limits, () => rehearsal.close())
    } catch (error) {
      context.warn(oneLine(`${name} may be left behind: ${messageOf(error)}`))
    }
  }
  const rehearsal = await boundedCall(`making ${name}`, context.limits, open, (late) => {
    void close(late)
  })
  try {
    return await use(rehearsal)
  } finally {
    await close(rehearsal)
  }
}

/** The tenants whose canaries the administrator does not see, though they were planted. */
export async function canariesMissing(
  name: string,
  rehearsal: Rehearsal,
  context: RunContext,
): Promise<readonly TenantId[]> {
  const seen = await boundedCall(`looking for canaries in ${name}`, context.limits, () =>
    rehearsal.canariesSeen(),
  )
  return context.tenants.filter((tenant) => !seen.includes(tenant))
}
