import { randomInt } from 'node:crypto'
import { chmod, lchown, mkdir, readFile, readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Whom the server's processes run as. */
export interface ServerUser {
  /** For `child_process.spawn`. Empty: as this process. With a uid, Node drops all other groups. */
  readonly spawn: { readonly uid?: number; readonly gid?: number }
}

/** PostgreSQL refuses to run as root, so root gives every cluster a user of its own. */
export const isRoot = process.getuid?.() === 0

const AS_OURSELVES: ServerUser = { spawn: {} }

/** The user that owns a data directory already, or undefined where root owns it. */
export async function ownerOf(path: string): Promise<ServerUser | undefined> {
  if (!isRoot) return AS_OURSELVES
  const { uid, gid } = await stat(path)
  return uid === 0 ? undefined : { spawn: { uid, gid } }
}

/**
 * A user for a new cluster. For root: a random uid that nobody else has, so that one cluster's
 * server cannot read another's files. It needs no passwd entry, and fits the 65536 ids of a
 * container's user namespace.
 */
export async function newServerUser(): Promise<ServerUser> {
  if (!isRoot) return AS_OURSELVES
  const taken = new Set((await passwdEntries()).map((entry) => entry.uid))
  for (;;) {
    const uid = randomInt(40_000, 60_000)
    if (!taken.has(uid)) return { spawn: { uid, gid: uid } }
  }
}

/** A user whom `initdb` accepts: unlike the server it insists on a passwd entry. */
export async function initUser(): Promise<ServerUser> {
  if (!isRoot) return AS_OURSELVES
  const entries = await passwdEntries()
  const entry =
    entries.find((entry) => entry.name === 'nobody') ?? entries.find((entry) => entry.uid !== 0)
  return { spawn: { uid: entry?.uid ?? 65_534, gid: entry?.gid ?? 65_534 } }
}

async function passwdEntries() {
  const text = await readFile('/etc/passwd', 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    const [name = '', , uid, gid] = line.split(':')
    return uid === undefined ? [] : [{ name, uid: Number(uid), gid: Number(gid) }]
  })
}

/** True when any user may enter every directory from the root down to `directory`. */
export async function isReachableByAll(directory: string): Promise<boolean> {
  for (let path = directory; ; path = dirname(path)) {
    if (((await stat(path)).mode & 0o001) === 0) return false
    if (path === dirname(path)) return true
  }
}

/** Makes a directory with exactly this mode, whatever the umask, owned by `user`. */
export async function makeDirectory(path: string, mode: number, user?: ServerUser): Promise<void> {
  await mkdir(path, { recursive: true, mode })
  await chmod(path, mode)
  await give(path, user)
}

/** Gives a file to the server's user; does nothing when the server runs as ourselves. */
export async function give(path: string, user: ServerUser | undefined): Promise<void> {
  const { uid, gid } = user?.spawn ?? {}
  if (uid !== undefined && gid !== undefined) await lchown(path, uid, gid)
}

/** `give` for a whole tree. */
export async function giveTree(path: string, user: ServerUser): Promise<void> {
  if (user.spawn.uid === undefined) return
  await give(path, user)
  const entries = await readdir(path, { withFileTypes: true })
  await Promise.all(
    entries.map((entry) => {
      const child = join(path, entry.name)
      return entry.isDirectory() ? giveTree(child, user) : give(child, user)
    }),
  )
}
