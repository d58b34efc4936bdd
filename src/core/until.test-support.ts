import { setTimeout as sleep } from 'node:timers/promises'

const FIRST_MS = 2
const LONGEST_MS = 25

/**
 * Waits for something that happens by itself, looking at it less and less often: a look may cost a
 * server as much as what is waited for. The test runner ends what takes forever.
 */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  let pauseMs = FIRST_MS
  while (!(await condition())) {
    await sleep(pauseMs)
    pauseMs = Math.min(pauseMs * 1.5, LONGEST_MS)
  }
}
