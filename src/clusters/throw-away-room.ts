import { chmod, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DirectoryLock, lockDirectory } from './directory-lock.ts'
import { removeLeftRooms, removeRoom } from './left-rooms.ts'
import { memoryPlace } from './memory-place.ts'

const PREFIX = 'rf-away-'
/** Milliseconds: a process may be between making its room and locking it. */
const LEFT_AFTER_MS = 60_000

/** A directory for what goes with it. */
export interface ThrowAwayRoom {
  readonly directory: string
  close(): Promise<void>
}

interface Shared {
  readonly directory: string
  readonly lock: DirectoryLock
}

/** One for all of this process: who opened the file of a lock a second time would let go of it. */
let shared: Promise<Shared> | undefined
let guests = 0
let leaving: Promise<unknown> = Promise.resolve()

/**
 * A new directory for servers that are thrown away: below `TMPDIR` where somebody has set that, else
 * in memory where there is enough of it. Rooms that killed processes have left are removed first. The
 * server may run as a user of its own, which may pass through.
 */
export async function openThrowAwayRoom(name: string): Promise<ThrowAwayRoom> {
  if (process.env['TMPDIR'] !== undefined) {
    const directory = await roomIn(await realpath(tmpdir()), `rf-${name}-`)
    return { directory, close: () => removeRoom(directory) }
  }
  guests += 1
  try {
    shared ??= leaving.then(openShared)
    const directory = await roomIn((await shared).directory, `${name}-`)
    return {
      directory,
      async close() {
        await removeRoom(directory)
        await leave()
      },
    }
  } catch (error) {
    await leave()
    throw error
  }
}

async function openShared(): Promise<Shared> {
  const place = await memoryPlace()
  await removeLeftRooms(place, PREFIX, LEFT_AFTER_MS)
  const directory = await roomIn(place, PREFIX)
  return { directory, lock: lockDirectory('a rehearsal', directory, 'exclusive') }
}

/** The last one out takes the room away. */
async function leave(): Promise<void> {
  guests -= 1
  if (guests > 0) return
  const left = shared
  shared = undefined
  leaving = (async () => {
    const room = await left?.catch(() => undefined)
    room?.lock.release()
    if (room !== undefined) await removeRoom(room.directory)
  })()
  await leaving
}

async function roomIn(place: string, prefix: string): Promise<string> {
  const directory = await mkdtemp(join(place, prefix))
  await chmod(directory, 0o711)
  return directory
}
