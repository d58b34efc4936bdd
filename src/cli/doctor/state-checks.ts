import type { Dirent } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import { messageOf } from '../../core/errors.ts'
import { type Check, type Diagnosis, ok, skipped, warning, wrong } from './check.ts'

const DEPTH_MAX = 5
/** Directories that a database server keeps for itself, with modes of its own. */
const SERVERS_OWN = new Set(['data', 'seed', 'base', 'runtime'])
/** What holds a secret: the planes' configuration names their files, and may hold an address. */
const SECRET =
  /(?:^|\/)(?:operator\.token|admin-password|secrets\/.+|planes\/.+\.json|evidence\/evidence-key\.pem)$/

/** Only our own user may look into the state directory; others may at most pass through it. */
export const checkStateDirectory: Check = async ({ state, hasState }) => {
  if (!hasState) return [skipped('state', `there is no ${state} here`)]
  const { mode, uid } = await stat(state)
  const found = `${state}, mode ${octal(mode)}`
  const user = process.getuid?.()
  if (user !== undefined && uid !== user && user !== 0) {
    return [wrong('state', `${found}, of user ${uid}`, 'run ringfence as the user who owns it')]
  }
  return (mode & 0o066) === 0
    ? [ok('state', found)]
    : [wrong('state', found, `chmod go-rw ${state}`)]
}

export const checkSecrets: Check = async ({ state, hasState }) => {
  if (!hasState) return [skipped('secrets', `there is no ${state} here`)]
  const open: Diagnosis[] = []
  let seen = 0
  for (const path of await filesIn(state)) {
    if (!SECRET.test(relative(state, path))) continue
    seen += 1
    const { mode } = await stat(path)
    if ((mode & 0o077) === 0) continue
    open.push(
      wrong(
        'secrets',
        `${path}, mode ${octal(mode)}: others can read it`,
        `chmod 600 ${path}, and replace what is in it if anybody else uses this machine`,
      ),
    )
  }
  return open.length > 0 ? open : [ok('secrets', `${seen} files, each for our own user alone`)]
}

/** What a killed process may leave: a database server that nobody supervises. */
export const checkLeftovers: Check = async ({ state, hasState }) => {
  if (!hasState) return [skipped('leftovers', `there is no ${state} here`)]
  const found: Diagnosis[] = []
  const files = await filesIn(state, new Set())
  for (const path of files.filter((file) => basename(file) === 'postmaster.pid')) {
    const server = await pidIn(path)
    const holderFile = join(dirname(dirname(path)), 'holder.pid')
    const holder = await pidIn(holderFile)
    if (server === undefined || !isRunning(server)) continue
    if (holder !== undefined && isRunning(holder)) continue
    found.push(
      warning(
        'leftovers',
        `a database server (process ${server}) runs in ${dirname(path)}, and nobody supervises it`,
        `start the platform again, which takes it over; or stop it: kill -INT ${server}`,
      ),
    )
  }
  const halves = files.filter((file) => /^holder\.[0-9a-f-]{36}$/.test(basename(file)))
  for (const path of halves) {
    const holder = await pidIn(path)
    if (holder !== undefined && isRunning(holder)) continue
    found.push(warning('leftovers', `${path} was left by a killed start`, `rm ${path}`))
  }
  return found.length > 0 ? found : [ok('leftovers', 'none')]
}

async function filesIn(
  directory: string,
  leaveOut: ReadonlySet<string> = SERVERS_OWN,
  depth = 0,
): Promise<readonly string[]> {
  let entries: Dirent[]
  try {
    entries = await readdir(directory, { withFileTypes: true })
  } catch {
    // A server's own directory may be another user's.
    return []
  }
  const found: string[] = []
  for (const entry of entries) {
    const path = join(directory, entry.name)
    if (entry.isFile()) found.push(path)
    else if (entry.isDirectory() && depth < DEPTH_MAX && !leaveOut.has(entry.name)) {
      found.push(...(await filesIn(path, leaveOut, depth + 1)))
    }
  }
  return found
}

async function pidIn(path: string): Promise<number | undefined> {
  try {
    const pid = Number.parseInt(await readFile(path, 'utf8'), 10)
    return Number.isSafeInteger(pid) && pid > 1 ? pid : undefined
  } catch {
    return undefined
  }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is there and is another user's.
    return messageOf(error).includes('EPERM')
  }
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0')
}
