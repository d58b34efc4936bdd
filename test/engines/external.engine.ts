import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { boundaryConformance } from '../../src/boundaries/conformance/conformance.ts'
import { postgresSubject } from '../../src/boundaries/postgres/conformance-subject.test-support.ts'
import { startEmbedded } from '../../src/clusters/embedded-cluster.ts'
import { openExternal } from '../../src/clusters/external-cluster.ts'

const binaries = process.env['RINGFENCE_TEST_BINARIES']

boundaryConformance('PostgreSQL by URL', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'rf-engine-'))
  const port = await freePort()
  const server = await startEmbedded({
    name: 'engine',
    directory: join(directory, 'cluster'),
    profile: 'cell',
    port,
    settings: { fsync: 'off', listen_addresses: '127.0.0.1' },
    ...(binaries === undefined ? {} : { binaries }),
  })
  const { user, password = '' } = server.admin
  const external = await openExternal(
    'engine',
    `postgres://${user}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`,
  )
  const subject = await postgresSubject({ external })
  return {
    ...subject,
    async close() {
      await subject.close()
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}
