import { randomBytes, randomUUID } from 'node:crypto'
import { chown, readFile, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import type { ClusterProfile } from './cluster-profile.ts'
import { copyTree, syncPath } from './copy-tree.ts'
import { type ToolResult, runTool } from './run-tool.ts'
import { type ServerBinaries, majorOf } from './server-binaries.ts'
import { scramVerifier } from './scram.ts'
import { writeState } from './state-file.ts'
import { type ServerUser, give, giveTree, initUser, isRoot, makeDirectory } from './server-user.ts'

export const SUPERUSER = 'rf_admin'
const PARTIAL = 'data.partial-'

export interface NewDataDirectory {
  readonly name: string
  /** The directory in which `data` is to appear. */
  readonly place: string
  readonly binaries: ServerBinaries
  readonly user: ServerUser
  readonly profile: ClusterProfile
  /** A stopped cluster's data directory to copy instead of running initdb. */
  readonly seedData: string | undefined
  readonly password: string
  /** False leaves out waiting for the disk. */
  readonly durable: boolean
}

/** A password that no one types: 32 random bytes. */
export const newPassword = (): string => randomBytes(32).toString('base64url')

/** Removes what a process left that was killed while it made a data directory. */
export async function removePartial(place: string): Promise<void> {
  for (const entry of await readdir(place)) {
    // An initdb that outlived its parent may still be writing, hence the retries.
    if (entry.startsWith(PARTIAL)) {
      await rm(join(place, entry), { recursive: true, force: true, maxRetries: 20 })
    }
  }
}

/**
 * Makes `<place>/data` with the superuser `rf_admin`. It is built beside its place and renamed when
 * it is whole and on the disk, so that a kill at any moment leaves either nothing or everything.
 */
export async function makeDataDirectory(make: NewDataDirectory): Promise<void> {
  const partial = join(make.place, `${PARTIAL}${randomUUID()}`)
  const data = join(partial, 'data')
  try {
    if (make.seedData === undefined) await initialise(make, partial, data)
    else await copySeed(make, make.seedData, partial, data)
    if (make.durable) {
      await must(runTool(join(make.binaries.directory, 'initdb'), ['-S', '-D', data], make.user))
    }
    await rename(data, join(make.place, 'data'))
    if (make.durable) await syncPath(make.place)
  } finally {
    await rm(partial, { recursive: true, force: true, maxRetries: 20 })
  }
}

async function initialise(make: NewDataDirectory, partial: string, data: string): Promise<void> {
  const user = await initUser()
  await makeDirectory(partial, 0o700, user)
  const passwordFile = join(partial, 'password')
  await writeState(passwordFile, await scramVerifier(make.password), user)
  const args = ['-D', data, '-U', SUPERUSER, '--auth=scram-sha-256', '--encoding=UTF8']
  args.push(`--pwfile=${passwordFile}`, '--locale=C', '--data-checksums', '--no-sync')
  if (majorOf(make.binaries.version) >= 17) {
    // Neither the system's nor ICU's collations: their order changes with their versions.
    args.push('--locale-provider=builtin', '--builtin-locale=C.UTF-8')
  }
  if (make.profile === 'silo') args.push('--wal-segsize=1')
  await must(runTool(join(make.binaries.directory, 'initdb'), args, user))
  await rm(passwordFile)
  await handOver(make, partial, data)
}

async function copySeed(
  make: NewDataDirectory,
  seed: string,
  partial: string,
  data: string,
): Promise<void> {
  const user = await initUser()
  await makeDirectory(partial, 0o700)
  await copyTree(seed, data, (path) => !/^postmaster\.(pid|opts)$/.test(path))
  await giveTree(data, user)
  await give(partial, user)
  // Single-user mode opens no socket, but it too insists on a user with a passwd entry.
  const program = join(make.binaries.directory, 'postgres')
  const settings = ['-cexit_on_error=on', '-clog_min_error_statement=panic', '-clog_statement=none']
  const sql = `ALTER ROLE ${SUPERUSER} PASSWORD '${await scramVerifier(make.password)}'\n`
  await must(runTool(program, ['--single', '-D', data, ...settings, 'postgres'], user, sql))
  await handOver(make, partial, data)
}

/** From the user who made the files to the server's own. The first one is shut out before. */
async function handOver(make: NewDataDirectory, partial: string, data: string): Promise<void> {
  if (isRoot) await chown(partial, 0, 0)
  await giveTree(data, make.user)
  await makeDirectory(partial, isRoot ? 0o711 : 0o700)
}

async function must(running: Promise<ToolResult>): Promise<void> {
  const result = await running
  if (result.code !== 0) throw new Error(result.stderr || `exit code ${result.code}`)
}

/**
 * True when there is a data directory of the binaries' major version, false when there is none.
 * @throws RingfenceError `cluster_damaged` for anything else
 */
export async function checkDataDirectory(
  name: string,
  data: string,
  binaries: ServerBinaries,
): Promise<boolean> {
  const found = await stat(data).catch(() => undefined)
  if (found === undefined) return false
  const text = await readFile(join(data, 'PG_VERSION'), 'utf8').catch(() => '')
  const major = majorOf(binaries.version)
  if (text.trim() === String(major)) return true
  throw new RingfenceError(
    'cluster_damaged',
    /^\d+\s*$/.test(text)
      ? `cluster ${name} was made by PostgreSQL ${text.trim()} and this is PostgreSQL ${major}: start it with its own version and export its tenants, or move ${data} away to begin anew`
      : `${data} is not a whole PostgreSQL data directory: restore it from a backup, or move it away to begin anew`,
  )
}
