import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDirectory } from './directory-lock.ts'

/**
 * Removes the directories of a prefix that killed processes have left: those in which nothing came or
 * went for so long, and that nobody has locked. Never call it where this process itself has locked one.
 */
export async function removeLeftRooms(
  place: string,
  prefix: string,
  leftAfterMs: number,
): Promise<void> {
  for (const name of await readdir(place)) {
    const directory = join(place, name)
    if (!name.startsWith(prefix) || (await ageMs(directory)) < leftAfterMs) continue
    if (!isLocked(directory)) await removeRoom(directory)
  }
}

export async function removeRoom(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10 })
}

/** Below zero for what has gone meanwhile. */
async function ageMs(directory: string): Promise<number> {
  const found = await stat(directory).catch(() => undefined)
  return found === undefined ? -1 : Date.now() - found.mtimeMs
}

/** Also where it is another user's, whose files we could not remove. */
function isLocked(directory: string): boolean {
  try {
    lockDirectory('a room', directory, 'exclusive').release()
    return false
  } catch {
    return true
  }
}
