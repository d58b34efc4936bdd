/** Makes a median absolute deviation a standard deviation, for what is distributed normally. */
const MAD_TO_SIGMA = 1.4826
const HOURS = 24

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

/** What is usual in an hour, and beyond what it is unusual. */
export interface Usual {
  readonly centre: number
  readonly limit: number
}

/**
 * What is usual in the hour after these. Days have a shape: the centre is the median of what was counted
 * at this hour of the day and the ones beside it. How far counts lie from their own hour's centre is
 * measured over all hours, as median absolute deviation, in units of the root of the centre: a count's
 * spread grows with it, and no spread is taken to be less than that of a Poisson process.
 *
 * @param values by hours without a gap, the newest last: the one of hour `next - 1`
 * @param next the hour's number since 1970
 */
export function usualIn(values: readonly number[], next: number, sigmas: number): Usual {
  const first = next - values.length
  const centres = Array.from({ length: HOURS }, (_, hour) => centreOf(values, first, hour))
  const deviations = values.map((value, place) => {
    const centre = centres[(first + place) % HOURS] ?? 0
    return Math.abs(value - centre) / Math.sqrt(Math.max(centre, 1))
  })
  const sigma = Math.max(1, MAD_TO_SIGMA * median(deviations))
  const centre = centres[next % HOURS] ?? 0
  return { centre, limit: centre + sigmas * sigma * Math.sqrt(Math.max(centre, 1)) }
}

function centreOf(values: readonly number[], first: number, hour: number): number {
  return median(
    values.filter((_, place) => {
      const distance = (first + place - hour + HOURS) % HOURS
      return distance <= 1 || distance === HOURS - 1
    }),
  )
}
