import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { type Check, ok, skipped, warning, wrong } from './check.ts'

const NODE_MAJOR_MIN = 24
const MEBIBYTE = 1024 * 1024
/** Below this a server cannot be relied on to write its log. */
const FREE_MEBIBYTES_MIN = 512
const FREE_SHARE_LOW = 0.1

export const checkNode: Check = () => {
  const major = Number.parseInt(process.versions.node, 10)
  return Promise.resolve([
    major >= NODE_MAJOR_MIN
      ? ok('node', `Node.js ${process.versions.node}`)
      : wrong(
          'node',
          `Node.js ${process.versions.node}`,
          `install Node.js ${NODE_MAJOR_MIN} or newer`,
        ),
  ])
}

/** Room where the platform writes: a full disk stops every database on it. */
export const checkDisk: Check = async ({ state }) => {
  try {
    const { bavail, blocks, bsize } = await statfs(nearest(resolve(state)))
    const free = Math.floor((bavail * bsize) / MEBIBYTE)
    const share = blocks === 0 ? 1 : bavail / blocks
    const found = `${free} MiB free (${Math.round(share * 100)} %)`
    if (free < FREE_MEBIBYTES_MIN)
      return [wrong('disk', found, `make room on the disk of ${state}`)]
    if (share < FREE_SHARE_LOW) return [warning('disk', found, `make room on the disk of ${state}`)]
    return [ok('disk', found)]
  } catch (error) {
    return [skipped('disk', messageOf(error))]
  }
}

/** The directory itself, or the nearest above it that there is. */
function nearest(path: string): string {
  return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path))
}
