import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import type { Cluster } from '../../../clusters/cluster.ts'
import { startEmbedded } from '../../../clusters/embedded-cluster.ts'
import { findDistributionBinaries, SUPPORTED_MAJORS } from '../../../clusters/server-binaries.ts'
import { withClient } from '../connection.ts'
import { tryAttacks } from './try-attacks.test-support.ts'

const supported = findDistributionBinaries().filter(
  ({ version }) => version >= SUPPORTED_MAJORS.oldest && version <= SUPPORTED_MAJORS.newest,
)

for (const { version, binaries } of supported) {
  describe(`on the system's own PostgreSQL ${version}`, () => {
    tryAttacks('pooled', () => startServer(binaries))
  })
}

/** A server as an operator would prepare it: its own databases are not open to everybody. */
async function startServer(binaries: string): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-attacks-'))
  const cluster = await startEmbedded({
    name: 'distribution',
    directory: join(directory, 'cluster'),
    profile: 'cell',
    settings: { fsync: 'off' },
    binaries,
  })
  await withClient(cluster.admin, (client) =>
    client.query('revoke all on database postgres, template1 from public'),
  )
  return {
    ...cluster,
    async stop() {
      await cluster.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
