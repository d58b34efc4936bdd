import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { lockDirectory } from '../src/clusters/directory-lock.ts'
import { removeLeftRooms, removeRoom } from '../src/clusters/left-rooms.ts'
import { memoryPlace } from '../src/clusters/memory-place.ts'

/** A directory of one run's own, which goes with it. */
export interface TestRoom {
  readonly directory: string
  /** Tells the run's processes to keep their temporary files, seeds and compiled code here. */
  readonly environment: Readonly<Record<string, string>>
  close(): Promise<void>
}

const PREFIX = 'rf-run-'

export interface TestRoomOptions {
  /** The directory to make it in. */
  readonly place?: string
  /** A room in which nothing came or went for so long, and that nobody has locked, was left. */
  readonly leftAfterMs?: number
}

/**
 * Makes a room in memory where there is enough of it, else below the system's temporary directory.
 * What runs have left that were killed is removed first.
 */
export async function openTestRoom(options: TestRoomOptions = {}): Promise<TestRoom> {
  const place = await realpath(options.place ?? (await memoryPlace()))
  await removeLeftRooms(place, PREFIX, options.leftAfterMs ?? 60_000)
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
      await removeRoom(directory)
    },
  }
}
