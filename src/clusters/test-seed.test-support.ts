import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { type EmbeddedCluster, type EmbeddedOptions, startEmbedded } from './embedded-cluster.ts'

/** Nobody needs a test's servers after a crash of the machine. */
export const THROW_AWAY = { fsync: 'off', full_page_writes: 'off' } as const

/** Where this run of the tests keeps its seeds. A test file that is run alone has no such place. */
const SEEDS = process.env['RINGFENCE_TEST_SEEDS']

/** What a seed holds besides a new server. */
export interface SeedContents {
  /** The seed's name: letters, digits and hyphens. */
  readonly name: string
  readonly fill: (cluster: EmbeddedCluster) => Promise<unknown>
}

const EMPTY: SeedContents = { name: 'empty', fill: () => Promise.resolve() }

/**
 * `startEmbedded` for tests that are not about making a server: a new cluster that is not durable
 * and has these contents. It is copied from a seed, which the first test of a run that needs it
 * makes; where there is no place for seeds it is made and filled.
 */
export async function startSeeded(
  options: EmbeddedOptions,
  contents = EMPTY,
): Promise<EmbeddedCluster> {
  const settings = { ...THROW_AWAY, ...options.settings }
  // A seed is of the packaged version.
  const seed = options.binaries === undefined ? await seedOf(contents) : undefined
  if (seed !== undefined) return startEmbedded({ ...options, settings, seed })
  return filled(await startEmbedded({ ...options, settings }), contents)
}

async function filled(cluster: EmbeddedCluster, { fill }: SeedContents): Promise<EmbeddedCluster> {
  try {
    await fill(cluster)
    return cluster
  } catch (error) {
    await cluster.stop()
    throw error
  }
}

/** The directory of a stopped cluster with these contents, if this run of the tests keeps seeds. */
export async function seedOf(contents = EMPTY): Promise<string | undefined> {
  if (SEEDS === undefined) return undefined
  const seed = join(SEEDS, contents.name)
  if (await exists(seed)) return seed
  await mkdir(SEEDS, { recursive: true, mode: 0o711 })
  const making = `${seed}.${randomUUID()}`
  const settings = { ...THROW_AWAY, max_connections: '60' }
  const options = { name: 'seed', directory: making, profile: 'silo', settings } as const
  await (await filled(await startEmbedded(options), contents)).stop()
  try {
    await rename(making, seed)
  } catch (error) {
    // Another test file was faster; its seed is as good.
    await rm(making, { recursive: true, force: true })
    if (!(await exists(seed))) throw error
  }
  return seed
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
