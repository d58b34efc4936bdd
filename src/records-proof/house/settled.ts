import { setTimeout } from 'node:timers/promises'
import type { Site } from './site.ts'

const LOOK_MS = 5

/** Waits until what was entered with the acts so far is in its logs, and changes nothing there any more. */
export async function inboxMoved({ intake }: Pick<Site, 'intake'>): Promise<void> {
  while ((await intake.inboxLag()).entries > 0) await setTimeout(LOOK_MS)
}
