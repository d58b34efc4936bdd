import { readFile, realpath, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'

const MEMORY = '/dev/shm'
/** About twice what a run of the tests, or of the proof, uses at most. */
const ROOM_BYTES = 2 * 2 ** 30

/**
 * Where files go that nobody needs for long: in memory where there is enough of it, else the system's
 * temporary directory. A data directory is a thousand small files, which some disks take half a
 * second to make.
 */
export async function memoryPlace(): Promise<string> {
  return realpath((await hasRoom()) ? MEMORY : tmpdir())
}

async function hasRoom(): Promise<boolean> {
  if (process.platform !== 'linux' || process.availableMemory() < 2 * ROOM_BYTES) return false
  const found = await statfs(MEMORY).catch(() => undefined)
  if (found === undefined || found.bavail * found.bsize < ROOM_BYTES) return false
  return !(await forbidsPrograms())
}

/** Servers of root run from copies of their programs that are beside their data. */
async function forbidsPrograms(): Promise<boolean> {
  const mounts = await readFile('/proc/self/mounts', 'utf8').catch(() => '')
  return mounts
    .split('\n')
    .map((line) => line.split(' '))
    .some(([, where, , options = '']) => where === MEMORY && options.split(',').includes('noexec'))
}
