import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Boundary } from '../../src/boundaries/boundary.ts'
import {
  boundaryConformance,
  type ConformanceSubject,
} from '../../src/boundaries/conformance/conformance.ts'
import { postgresSubject } from '../../src/boundaries/postgres/conformance-subject.test-support.ts'
import type { PostgresCredential } from '../../src/boundaries/postgres/postgres-boundary.ts'
import { hostCell } from '../../src/cells/cell-host.ts'
import { remoteBoundary } from '../../src/cells/remote-boundary.ts'
import type { Lease } from '../../src/core/lease.ts'

/** A real engine behind a cell host: what the engine keeps, its clients keep. */
async function remoteSubject(): Promise<ConformanceSubject> {
  const directory = await mkdtemp(join(tmpdir(), 'rf-host-'))
  const near = await postgresSubject()
  const direct: Boundary = near.boundary
  const host = await hostCell({
    boundary: direct,
    keeper: join(directory, 'keeper'),
    leaser: join(directory, 'leaser'),
  })
  return {
    boundary: {
      ...remoteBoundary(host.keeper, direct.engine, ['pooled', 'bridge']),
      attacks: () => direct.attacks(),
      mutants: () => direct.mutants(),
      rehearse: (tier, tenants) => direct.rehearse(tier, tenants),
    },
    connect: (lease) => near.connect(lease as Lease<PostgresCredential>),
    outage: () => near.outage(),
    async close() {
      await host.close()
      await near.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

boundaryConformance('PostgreSQL behind a cell host', remoteSubject, { tiers: ['pooled'] })
