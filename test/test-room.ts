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
/** About twice what a run uses at most. */
const ROOM_BYTES = 2 * 2 ** 30
const PREFIX = 'rf-run-'

export interface TestRoomOptions {
  /** The directory to make it in. */
  readonly place?: string
  /** A room in which nothing came or went for so long, and that nobody has locked, was left. */
  readonly leftAfterMs?: number
}

/**
 * Makes a room in memory where there is enough of it, else below the system's temporary directory:
 * a data directory is a thousand small files, which some disks take half a second to make. What
 * runs have left that were killed is removed first.
 */
export async function openTestRoom(options: TestRoomOptions = {}): Promise<TestRoom> {
  const place = await realpath(options.place ?? ((await hasRoom()) ? MEMORY : tmpdir()))
  await removeLeft(place, options.leftAfterMs ?? 60_000)
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

async function removeLeft(place: string, leftAfterMs: number): Promise<void> {
  for (const name of await readdir(place)) {
    const directory = join(place, name)
    if (!name.startsWith(PREFIX) || (await ageMs(directory)) < leftAfterMs) continue
    if (!isLocked(directory)) await remove(directory)
  }
}

/** Below zero for what has gone meanwhile. */
async function ageMs(directory: string): Promise<number> {
  const found = await stat(directory).catch(() => undefined)
  return found === undefined ? -1 : Date.now() - found.mtimeMs
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
