import { constants } from 'node:fs'
import { access, readFile, readdir, rename, rm, stat, symlink } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { homedir } from 'node:os'
import { basename, dirname, join, relative } from 'node:path'
import { z } from 'zod'
import { copyTree, publishTree } from './copy-tree.ts'
import { isReachableByAll, isRoot, makeDirectory } from './server-user.ts'

const symlinksFile = z.array(z.object({ source: z.string(), target: z.string() }))
type Links = z.infer<typeof symlinksFile>

/**
 * The `bin` folder from which the packaged programs can be run. That is the package's own, unless
 * its library symlinks are missing (npm makes them in an install script, which many switch off) or
 * root's unprivileged server could not reach it (a checkout below /root). Then it is a copy, made
 * once and shared, in the first of `caches` that is writable.
 */
export async function runtimeCopy(packaged: string, caches: readonly string[]): Promise<string> {
  const native = dirname(packaged)
  const links = symlinksFile.parse(
    JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')),
  )
  if ((await hasLinks(native, links)) && (!isRoot || (await isRunnableByAll(packaged)))) {
    return packaged
  }
  const name = await copyName(native)
  for (const cache of caches) {
    const copy = join(cache, name)
    if (await exists(copy)) return join(copy, 'bin')
    if (await isWritable(cache)) return join(await makeCopy(native, links, copy), 'bin')
  }
  throw Object.assign(new Error(`cannot write to ${caches.join(' or ')}`), { code: 'EACCES' })
}

/** Where root or this user keeps such copies for all its clusters, if there is such a place. */
export function sharedCaches(): readonly string[] {
  if (isRoot) return ['/var/lib/ringfence/runtime']
  try {
    const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
    return [join(cache, 'ringfence', 'runtime')]
  } catch {
    // A user without a passwd entry and without HOME has no home.
    return []
  }
}

/** Package, version and the server's size and date, so that a changed install gets a new copy. */
async function copyName(native: string): Promise<string> {
  const manifest = z
    .object({ version: z.string() })
    .parse(JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')))
  const { size } = await stat(join(native, 'bin', 'postgres'))
  return `postgres-${basename(dirname(native))}-${manifest.version}-${size}`
}

/** Copies beside the target and renames, so that no process ever sees half a copy. */
async function makeCopy(native: string, links: Links, copy: string): Promise<string> {
  await removeAbandoned(dirname(copy))
  const partial = join(dirname(copy), `.partial-${randomUUID()}`)
  try {
    await copyTree(native, partial)
    for (const { source, target } of links) {
      const link = join(partial, target.replace(/^native\//, ''))
      await rm(link, { force: true })
      await symlink(basename(source), link)
    }
    await publishTree(partial, (path) =>
      /^(lib|share)\/.*\./.test(relative(partial, path)) ? 0o644 : 0o755,
    )
    await rename(partial, copy)
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    // Another process may have finished first; its copy is as good.
    if (!(await exists(copy))) throw error
  }
  return copy
}

const ABANDONED_AFTER_MS = 3_600_000

async function removeAbandoned(cache: string): Promise<void> {
  for (const entry of await readdir(cache)) {
    if (!entry.startsWith('.partial-')) continue
    const path = join(cache, entry)
    const found = await stat(path).catch(() => undefined)
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_AFTER_MS) {
      await rm(path, { recursive: true, force: true })
    }
  }
}

async function hasLinks(native: string, links: Links): Promise<boolean> {
  const found = await Promise.all(links.map(({ target }) => exists(join(dirname(native), target))))
  return found.every(Boolean)
}

async function isRunnableByAll(bin: string): Promise<boolean> {
  return (
    ((await stat(join(bin, 'postgres'))).mode & 0o005) === 0o005 &&
    ((await stat(join(dirname(bin), 'lib'))).mode & 0o005) === 0o005 &&
    (await isReachableByAll(bin))
  )
}

/** Makes the cache where it is missing. For root every user must be able to enter it. */
async function isWritable(cache: string): Promise<boolean> {
  try {
    const mode = isRoot ? 0o755 : 0o700
    for (const path of [dirname(cache), cache]) {
      if (!(await exists(path))) await makeDirectory(path, mode)
    }
    await access(cache, constants.W_OK)
    return !isRoot || (await isReachableByAll(cache))
  } catch {
    return false
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
