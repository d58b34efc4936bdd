import { median } from './usual.ts'

/** Five minutes with calls before anything is said: an hour's. */
const ACTIVE_SLOTS = 12
const DAY = 288
const BESIDE = 2

/**
 * Calls that are usual in five minutes under a grant: the median of those in which there are any, or of those
 * at the same time a day ago, where that is more: programs have their hours.
 *
 * @param values by five minutes without a gap, the newest last
 * @returns undefined while too few are known
 */
export function usualUnderGrant(values: readonly number[]): number | undefined {
  const active = values.filter((value) => value > 0)
  if (active.length < ACTIVE_SLOTS) return undefined
  const yesterday = values.length - DAY
  const then =
    yesterday < 0 ? [] : values.slice(Math.max(0, yesterday - BESIDE), yesterday + BESIDE + 1)
  return Math.max(median(active), median(then))
}
