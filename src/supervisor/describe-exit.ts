/** How something ended, in a few words: `code 1`, `SIGKILL`. Takes whatever `Running.exited` gave. */
export function describeExit(outcome: unknown): string {
  if (typeof outcome === 'object' && outcome !== null) {
    if ('signal' in outcome && typeof outcome.signal === 'string')
      return `ended by ${outcome.signal}`
    if ('code' in outcome && typeof outcome.code === 'number')
      return `ended with code ${outcome.code}`
  }
  return 'ended'
}
