import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestSite } from '../../src/boundaries/postgres/test-site.test-support.ts'
import type { Order } from './process-at-work.fixture.ts'

const FIXTURE = fileURLToPath(new URL('process-at-work.fixture.ts', import.meta.url))

/** Lets a process work on a tenant up to a point, and kills it there, or so much later. */
export async function killAt(
  point: Order['point'],
  place: TestSite,
  tenant: string,
  laterMs = 0,
  more: Pick<Order, 'silos' | 'step' | 'to'> = {},
): Promise<void> {
  const { admin, serverVersion } = place.cluster
  const child = spawn(process.execPath, [FIXTURE], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'exit')
  try {
    child.stdin.end(
      JSON.stringify({ point, tenant, admin, serverVersion, ...more } satisfies Order),
    )
    const [first] = await Promise.race([once(child.stdout, 'data'), ended])
    if (String(first) !== 'here\n') throw new Error(`the process ended before it was at: ${point}`)
    await sleep(laterMs)
  } finally {
    child.kill('SIGKILL')
    await ended
  }
}
