/** Makes a median absolute deviation a standard deviation, for what is distributed normally. */
const MAD_TO_SIGMA = 1.4826
const HOURS = 24
const WEEK = 168
/** Added before logarithms are taken: few are as good as none. */
const FEW = 5

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
 * What is usual in the hour after these. Days have a shape: the centre is the median of what was counted at
 * this hour of the days before, or what was counted at this hour a week ago when that is more. Days differ
 * by factors: how far counts lie from their hour's centre is measured in logarithms, as median absolute
 * deviation over all hours in which there is something, and no spread is taken to be less than that of a
 * Poisson process.
 *
 * @param values by hours without a gap, the newest last: the one of hour `next - 1`
 * @param next the hour's number since 1970
 */
export function usualIn(values: readonly number[], next: number, sigmas: number): Usual {
  const first = next - values.length
  const byHour = Array.from({ length: HOURS }, (): number[] => [])
  for (const [place, value] of values.entries()) byHour[(first + place) % HOURS]?.push(value)
  const centres = byHour.map(median)
  const deviations = values.flatMap((value, place) => {
    const centre = centres[(first + place) % HOURS] ?? 0
    return centre < FEW ? [] : [Math.abs(Math.log((value + FEW) / (centre + FEW)))]
  })
  const lastWeeks = values.length >= WEEK ? (values[values.length - WEEK] ?? 0) : 0
  const centre = Math.max(centres[next % HOURS] ?? 0, lastWeeks)
  const sigma = Math.max(1 / Math.sqrt(centre + FEW), MAD_TO_SIGMA * median(deviations))
  return { centre, limit: (centre + FEW) * Math.exp(sigmas * sigma) - FEW }
}
