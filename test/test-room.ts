import { chmod, mkdtemp, readdir, realpath, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockDirectory } from '../src/clusters/directory-lock.ts'

/** A directory of one run's own, which goes with it. */
export interface TestRoom {
  readonly directory: string
  /** Tells the run's processes to keep their temporary files, seeds and compiled code here. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

const MEMORY = '/dev/shm'
/** What a run uses at most is about a quarter of it. */
const ROOM_BYTES = 4 * 2 ** 30
const PREFIX = 'rf-run-'
/** A room that is this old and that nobody has locked is one that a killed run has left. */
const LEFT_AFTER_MS = 60_000

/**
 * Makes a room in memory where there is enough of it, else below the system's temporary directory:
 * a data directory is a thousand small files, which some disks take half a second to make.
 */
export async function openTestRoom(): Promise<TestRoom> {
  const place = await realpath((await hasRoom()) ? MEMORY : tmpdir())
  await removeLeft(place)
  const directory = await mkdtemp(join(place, PREFIX))
  const lock = lockDirectory('this run of the tests', directory, 'exclusive')
  // As open as the system's own: servers and some tests run as other users.
  await chmod(directory, 0o1777)
  return {
    directory,
    environment: {
      TMPDIR: directory,
      NODE_COMPILE_CACHE: join(directory, 'compiled'),
      RINGFENCE_TEST_SEEDS: join(directory, 'seeds'),
    },
    async close() {
      lock.release()
      await remove(directory)
    },
  }
}

async function hasRoom(): Promise<boolean> {
  const found = await statfs(MEMORY).catch(() => undefined)
  if (found === undefined || process.platform !== 'linux') return false
  return found.bavail * found.bsize >= ROOM_BYTES && process.availableMemory() >= 2 * ROOM_BYTES
}

async function removeLeft(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    const directory = join(place, name)
    if (!name.startsWith(PREFIX) || !(await isOld(directory)) || isLocked(directory)) continue
    await remove(directory)
  }
}

async function isOld(directory: string): Promise<boolean> {
  const found = await stat(directory).catch(() => undefined)
  return found !== undefined && Date.now() - found.birthtimeMs > LEFT_AFTER_MS
}

/** Also where it is another user's, whose files we could not remove. */
function isLocked(directory: string): boolean {
  try {
    lockDirectory('a run of the tests', directory, 'exclusive').release()
    return false
  } catch {
    return true
  }
}

async function remove(directory: string): Promise<void> {
  await rm(directory, { recursive: true, force: true, maxRetries: 10 })
}
