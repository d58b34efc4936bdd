import assert from 'node:assert/strict'
import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { LeaseId } from '../../src/core/lease.ts'
import type { TenantId } from '../../src/core/tenant.ts'
import { RingfenceError } from '../../src/core/errors.ts'
import type { EmbeddedCluster } from '../../src/clusters/embedded-cluster.ts'
import { auditLedger } from '../../src/boundaries/postgres/leases/audit-ledger.test-support.ts'
import type { PostgresCredential } from '../../src/boundaries/postgres/postgres-boundary.ts'
import {
  opens,
  startTestSite,
  tenant,
  type TestSite,
} from '../../src/boundaries/postgres/test-site.test-support.ts'

const TENANTS = ['acme', 'bolt', 'crux'].map(tenant)
let directory: string

before(async () => {
  directory = await realpath(await mkdtemp(join(tmpdir(), 'rf-crash-')))
  await chmod(directory, 0o711)
})
after(() => rm(directory, { recursive: true, force: true, maxRetries: 10 }))

const start = () => startTestSite({ cluster: { directory: join(directory, 'cluster') } })

interface Granted {
  readonly credential: PostgresCredential
  revoked: 'no' | 'asked' | 'done'
}

/** Leases and revokes until the server is gone, and remembers what it was told. */
async function work(place: TestSite, id: TenantId, granted: Map<LeaseId, Granted>): Promise<void> {
  for (let step = 0; ; step += 1) {
    try {
      const request = { scope: 'write', holder: 'test', ttlSeconds: 600 } as const
      const { lease_id, credential } = await place.boundary.lease(id, request)
      const entry: Granted = { credential, revoked: 'no' }
      granted.set(lease_id, entry)
      if (step % 4 === 3) continue
      entry.revoked = 'asked'
      await place.boundary.revoke(id, lease_id)
      entry.revoked = 'done'
    } catch (error) {
      assert.ok(error instanceof RingfenceError, String(error))
      if (error.code === 'lease_denied') {
        for (const entry of granted.values()) if (entry.revoked === 'no') entry.revoked = 'asked'
        await place.boundary.revoke(id).catch(() => {})
        continue
      }
      assert.ok(['engine_unavailable', 'timed_out'].includes(error.code), error.code)
      return
    }
  }
}

for (const round of [1, 2]) {
  test(`a server that is killed at work keeps what it said of leases (round ${round})`, async () => {
    const granted: Granted[] = []
    const before = await start()
    try {
      for (const id of TENANTS) {
        await before.provision(id)
        await before.boundary.revoke(id)
      }
      const all = TENANTS.map(() => new Map<LeaseId, Granted>())
      const working = TENANTS.map((id, index) => work(before, id, all[index] ?? new Map()))
      await sleep(200 + Math.random() * 300)
      const server = before.cluster as EmbeddedCluster
      process.kill(server.pid, 'SIGKILL')
      await server.exited
      await Promise.all(working)
      for (const one of all) granted.push(...one.values())
    } finally {
      await before.stop()
    }
    const again = await start()
    try {
      const ledger = await again.admin(again.names.custodyDatabase)
      assert.deepEqual(await auditLedger(ledger, again.names), [])
      assert.ok(granted.length > 3)
      for (const { credential, revoked } of granted) {
        const works = await opens({ ...credential, host: again.cluster.admin.host })
        if (revoked === 'no') assert.ok(works, 'a lease was lost')
        if (revoked === 'done') assert.equal(works, false, 'a revocation was lost')
      }
      await again.boundary.sweep()
      assert.deepEqual(await auditLedger(ledger, again.names), [])
    } finally {
      await again.stop()
    }
  })
}
