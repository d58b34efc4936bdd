import { mkdir, rm, stat, utimes } from 'node:fs/promises'

/** A lock whose owner has not said for so long that it lives is nobody's. Milliseconds. */
const STALE_MS = 120_000
const BEAT_MS = 20_000

/**
 * Does something in one process at a time among those that share a disk; not at all in the others.
 * Returns whether it was done. A process that was killed keeps the others out for two minutes.
 */
export async function oneAtATime(lock: string, act: () => Promise<void>): Promise<boolean> {
  if (!(await take(lock))) return false
  const beat = setInterval(() => {
    const now = new Date()
    utimes(lock, now, now).catch(() => undefined)
  }, BEAT_MS).unref()
  try {
    await act()
    return true
  } finally {
    clearInterval(beat)
    await rm(lock, { recursive: true, force: true })
  }
}

async function take(lock: string): Promise<boolean> {
  try {
    await mkdir(lock)
    return true
  } catch {
    const age = await stat(lock).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    )
    if (age < STALE_MS) return false
    await rm(lock, { recursive: true, force: true })
    // Of several that saw it stale one makes it.
    return mkdir(lock).then(
      () => true,
      () => false,
    )
  }
}
