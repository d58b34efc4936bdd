import { type Dirent, constants } from 'node:fs'
import { chmod, copyFile, mkdir, open, readdir, readlink, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * Copies the entries of `from` into the new directory `to`, without owners: everything in the copy
 * is ours. Uses the file system's own cloning where it has it. `include` gets paths relative to the
 * top and leaves out what it refuses.
 */
export async function copyTree(
  from: string,
  to: string,
  include: (path: string) => boolean = () => true,
  relative = '',
): Promise<void> {
  await mkdir(to, { mode: 0o700 })
  const copyEntry = async (entry: Dirent): Promise<void> => {
    const path = relative === '' ? entry.name : `${relative}/${entry.name}`
    if (!include(path)) return
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target, include, path)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (entry.isFile()) await copyFile(source, target, constants.COPYFILE_FICLONE)
  }
  await Promise.all((await readdir(from, { withFileTypes: true })).map(copyEntry))
}

/** Sets the modes of a whole tree and waits until its contents are on the disk. */
export async function publishTree(path: string, mode: (file: string) => number): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const child = join(path, entry.name)
    if (entry.isDirectory()) await publishTree(child, mode)
    else if (entry.isFile()) {
      await chmod(child, mode(child))
      await syncPath(child)
    }
  }
  await chmod(path, mode(path))
  await syncPath(path)
}

/** fsync of one file or directory. */
export async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
