import { randomUUID } from 'node:crypto'
import { readFileSync, readdirSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * A marker for the environment of everything that a test starts: whoever carries it is the test's,
 * however far removed, and must be gone in the end.
 */
export function mark(t: TestContext): string {
  const marker = `RF_TEST_MARK=${randomUUID()}`
  t.after(() => {
    for (const pid of marked(marker)) process.kill(pid, 'SIGKILL')
  })
  return marker
}

export function marked(marker: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => carries(pid, marker))
    .map(Number)
}

function carries(pid: string, marker: string): boolean {
  try {
    // A process that has ended and is not yet reaped has no environment any more.
    return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(marker)
  } catch {
    return false
  }
}

/** Waits until a condition holds; throws when it does not within 20 s. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let i = 0; !holds(); i++) {
    if (i > 2_000) throw new Error(`never happened: ${what}`)
    await sleep(10)
  }
}
