import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncPath } from './copy-tree.ts'
import type { ServerUser } from './server-user.ts'

/** A small file's text without its last line end, or undefined where there is none. */
export async function readState(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trimEnd()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Replaces a small file as a whole, mode 0600, and waits until it is on the disk. */
export async function writeState(path: string, text: string, owner?: ServerUser): Promise<void> {
  const partial = join(dirname(path), `.partial-${randomUUID()}`)
  try {
    const handle = await open(partial, 'wx', 0o600)
    try {
      await handle.writeFile(text.endsWith('\n') ? text : `${text}\n`)
      const { uid, gid } = owner?.spawn ?? {}
      if (uid !== undefined && gid !== undefined) await handle.chown(uid, gid)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(partial, path)
    await syncPath(dirname(path))
  } finally {
    await rm(partial, { force: true })
  }
}
