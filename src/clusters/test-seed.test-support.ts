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
 * `startEmbedded` for tests that are not about making a server: it copies a seed, which the first
 * test of the run that needs it makes, and is not durable. What `contents` fills in is there already
 * or not, as the test is part of a run or alone: fill it in again in a way that may be repeated.
 */
export async function startSeeded(
  options: EmbeddedOptions,
  contents = EMPTY,
): Promise<EmbeddedCluster> {
  // A seed is of the packaged version.
  const seed = options.binaries === undefined ? await seedOf(contents) : undefined
  return startEmbedded({
    ...options,
    ...(seed === undefined ? {} : { seed }),
    settings: { ...THROW_AWAY, ...options.settings },
  })
}

/** The directory of a stopped cluster with these contents. */
async function seedOf({ name, fill }: SeedContents): Promise<string | undefined> {
  if (SEEDS === undefined) return undefined
  const seed = join(SEEDS, name)
  if (await exists(seed)) return seed
  await mkdir(SEEDS, { recursive: true, mode: 0o711 })
  const making = `${seed}.${randomUUID()}`
  const options = { name: 'seed', directory: making, profile: 'silo' } as const
  const cluster = await startEmbedded({
    ...options,
    settings: { ...THROW_AWAY, max_connections: '60' },
  })
  try {
    await fill(cluster)
  } finally {
    await cluster.stop()
  }
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
