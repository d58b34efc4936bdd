import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'node:test'
import { tryAttacks } from '../../src/boundaries/postgres/attacks/try-attacks.test-support.ts'
import { withClient } from '../../src/boundaries/postgres/connection.ts'
import type { Cluster } from '../../src/clusters/cluster.ts'
import { startEmbedded } from '../../src/clusters/embedded-cluster.ts'

const binaries = process.env['RINGFENCE_TEST_BINARIES']

for (const tier of ['pooled', 'bridge'] as const) {
  describe(`attacks on tier ${tier}`, () => {
    tryAttacks(tier, startServer)
  })
}

/** A server as an operator would prepare it: its own databases are not open to everybody. */
async function startServer(): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-engine-'))
  const cluster = await startEmbedded({
    name: 'engine',
    directory: join(directory, 'cluster'),
    profile: 'cell',
    settings: { fsync: 'off' },
    ...(binaries === undefined ? {} : { binaries }),
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
