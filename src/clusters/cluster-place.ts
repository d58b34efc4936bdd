import { randomUUID } from 'node:crypto'
import { chmod, mkdir, realpath, rm, stat, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import { lockDirectory } from './directory-lock.ts'
import { NEW_CLUSTER_MEBIBYTES } from './server-failure.ts'
import { isReachableByAll, isRoot, makeDirectory } from './server-user.ts'
import { readState, writeState } from './state-file.ts'

const OUTSIDE = '/var/lib/ringfence/clusters'

/** Makes a cluster's state directory where it is missing and returns its real path. */
export async function stateDirectory(directory: string): Promise<string> {
  const path = resolve(directory)
  // Root's server runs as another user and has to pass through; every secret in it is mode 0600.
  const mode = isRoot ? 0o711 : 0o700
  if (await makeDirectories(path, mode)) await chmod(path, mode)
  return realpath(path)
}

/**
 * Makes a directory and those above it; false when it was there. Node's own recursive mkdir never
 * returns in file systems that answer ENOENT below a directory that exists, such as /proc.
 */
async function makeDirectories(path: string, mode: number): Promise<boolean> {
  let refused: NodeJS.ErrnoException
  try {
    await mkdir(path, { mode })
    return true
  } catch (error) {
    refused = error as NodeJS.ErrnoException
  }
  if (refused.code === 'EEXIST') return false
  const parent = dirname(path)
  if (refused.code !== 'ENOENT' || parent === path) throw notMade(path, refused)
  await makeDirectories(parent, mode)
  await mkdir(path, { mode }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw notMade(path, error)
  })
  return true
}

/** A full disk stays what it is, for the message that says how much room is needed. */
function notMade(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return error
  return new RingfenceError(
    'not_writable',
    `the directory ${path} cannot be made (${error.code})`,
    {
      cause: error,
    },
  )
}

/**
 * The directory that holds `data` and what else the server itself must reach. It is the state
 * directory, except for root below a directory that only root may enter (/root): then it is one of
 * its own below /var/lib/ringfence, remembered in the state directory's file `place`.
 * @throws RingfenceError `cluster_damaged` when the remembered one is gone
 */
export async function placeOf(name: string, state: string): Promise<string> {
  const remembered = await readState(join(state, 'place'))
  if (remembered !== undefined) {
    if (await isDirectory(remembered)) return remembered
    throw new RingfenceError(
      'cluster_damaged',
      `the data of cluster ${name} was in ${remembered}, which is gone: restore it, or remove ${state} to begin anew`,
    )
  }
  if (!isRoot) return state
  await openTemporary(state)
  if (await isReachableByAll(state)) return state
  for (const path of ['/var/lib/ringfence', OUTSIDE]) await makeDirectory(path, 0o711)
  const place = join(OUTSIDE, randomUUID())
  await makeDirectory(place, 0o711)
  await writeState(join(state, 'place'), place)
  return place
}

/**
 * Lets others pass (not look) through the private directories below the system's temporary one that
 * lead to `state`. Otherwise a throw-away cluster's data would be elsewhere, and stay there when the
 * temporary directory is removed.
 */
async function openTemporary(state: string): Promise<void> {
  const top = await realpath(tmpdir())
  if (!state.startsWith(`${top}/`)) return
  for (let path = state; path !== top; path = dirname(path)) {
    const { mode, uid } = await stat(path)
    if (uid === 0 && (mode & 0o777) === 0o700) await chmod(path, 0o711)
  }
}

/**
 * Deletes a stopped cluster: its state directory and everything it has elsewhere.
 * @throws RingfenceError `cluster_locked`, `not_writable`
 */
export async function removeCluster(name: string, directory: string): Promise<void> {
  if (!(await isDirectory(directory))) return
  const state = await realpath(directory)
  const lock = lockDirectory(name, state, 'exclusive')
  try {
    const outside = await readState(join(state, 'place'))
    if (outside?.startsWith(`${OUTSIDE}/`)) await rm(outside, { recursive: true, force: true })
    await rm(state, { recursive: true, force: true, maxRetries: 3 })
  } finally {
    lock.release()
  }
}

/** @throws RingfenceError `disk_full` when a new data directory would not fit */
export async function checkSpace(name: string, place: string): Promise<void> {
  const { bavail, bsize } = await statfs(place)
  const free = Math.floor((bavail * bsize) / 2 ** 20)
  if (free >= NEW_CLUSTER_MEBIBYTES) return
  throw new RingfenceError(
    'disk_full',
    `cluster ${name} needs ${NEW_CLUSTER_MEBIBYTES} MiB on the disk of ${place}, where ${free} MiB are free`,
  )
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )
}
