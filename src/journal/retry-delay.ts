const FIRST_MS = 200

/**
 * Milliseconds before the next try: a random part of a time that doubles with each failure, so that
 * those who failed together do not come back together.
 */
export function retryDelay(failures: number, msMax: number): number {
  const most = Math.min(msMax, FIRST_MS * 2 ** Math.min(failures, 20))
  return most / 2 + (Math.random() * most) / 2
}
