import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { type ServerUser, give, isReachableByAll, isRoot, makeDirectory } from './server-user.ts'
import { readState, writeState } from './state-file.ts'

export interface SocketDirectory {
  readonly path: string
  /** Removes the directory if it is a temporary one. */
  remove(): Promise<void>
}

/** The longest path that fits `sun_path` on Linux (108) and macOS (104), less the socket's name. */
const PATH_BYTES_MAX = 103 - '/.s.PGSQL.65535'.length
const TEMPORARY = /^rf-[A-Za-z0-9]{6}$/

/**
 * A new 0700 directory for the server's unix socket, owned by the server's user. It is `socket` in
 * the cluster's place, or a short temporary one when that path is too long for a socket or has
 * characters that connection strings cannot carry; its name is then kept in `state`. Call it only
 * when no server runs on the cluster: what an earlier one left is removed.
 */
export async function openSocketDirectory(
  state: string,
  place: string,
  user: ServerUser,
): Promise<SocketDirectory> {
  const record = join(state, 'socket-directory')
  const earlier = await readState(record)
  if (earlier !== undefined && TEMPORARY.test(basename(earlier))) await removeTree(earlier)
  const preferred = join(place, 'socket')
  await removeTree(preferred)
  if (isFit(preferred)) {
    await makeDirectory(preferred, 0o700, user)
    return { path: preferred, remove: () => Promise.resolve() }
  }
  // The same one again where it can be: credentials in hand name it.
  const path = (await madeAgain(earlier)) ?? (await mkdtemp(join(await temporaryRoot(), 'rf-')))
  await chmod(path, 0o700)
  await give(path, user)
  await writeState(record, path)
  return { path, remove: () => removeTree(path) }
}

/** Undefined where there was none, or where somebody else has one of that name now. */
async function madeAgain(earlier: string | undefined): Promise<string | undefined> {
  if (earlier === undefined || !TEMPORARY.test(basename(earlier))) return undefined
  return mkdir(earlier, { mode: 0o700 }).then(
    () => earlier,
    () => undefined,
  )
}

async function temporaryRoot(): Promise<string> {
  const root = tmpdir()
  const usable = isFit(join(root, 'rf-XXXXXX')) && (!isRoot || (await isReachableByAll(root)))
  return usable ? root : '/tmp'
}

function isFit(path: string): boolean {
  return Buffer.byteLength(path) <= PATH_BYTES_MAX && /^[A-Za-z0-9/_.-]+$/.test(path)
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}
