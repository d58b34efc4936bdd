import type { PlanConfig } from '../snapshot/snapshot.ts'

const PRIORITY = 5

/**
 * A plan's share of what is scarce. Each step of priority counts double: whoever has less of it waits
 * longer and is refused sooner, but never for ever.
 */
export function weightOf(plan: Pick<PlanConfig, 'priority' | 'weight'> | undefined): number {
  return (plan?.weight ?? 1) * 2 ** ((plan?.priority ?? PRIORITY) - PRIORITY)
}
