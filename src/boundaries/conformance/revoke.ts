import assert from 'node:assert/strict'
import type { LeaseId } from '../../core/lease.ts'
import { assertEnded, type Obligation, opens, take } from './trial.ts'

const NOTHING = { leases: [], sessionsEnded: 0 }

export const REVOKE_OBLIGATIONS: readonly Obligation[] = [
  {
    title: 'a revoked lease opens nothing, its sessions are gone, and the others live on',
    async check(trial) {
      const { alpha, beta, boundary, subject } = trial
      const [revoked, same, foreign] = await Promise.all([
        take(trial, alpha),
        take(trial, alpha),
        take(trial, beta),
      ])
      const sessions = await Promise.all([subject.connect(revoked), subject.connect(revoked)])
      const bystanders = await Promise.all([subject.connect(same), subject.connect(foreign)])
      const result = await boundary.revoke(alpha, revoked.lease_id)
      assert.deepEqual(result.leases, [revoked.lease_id])
      assert.equal(await opens(trial, revoked), false)
      for (const session of sessions) await assertEnded(session)
      for (const session of bystanders) {
        await session.read()
        await session.close()
      }
      assert.ok((await opens(trial, same)) && (await opens(trial, foreign)))
      const record = (await boundary.leases(alpha)).find((r) => r.lease_id === revoked.lease_id)
      assert.equal(record?.ended_why, 'revoked')
      await boundary.revoke(alpha)
      await boundary.revoke(beta)
    },
  },
  {
    title: 'revoking a tenant ends every lease and session of it, and none of another',
    async check(trial) {
      const { alpha, beta, boundary, subject } = trial
      const leases = await Promise.all([
        take(trial, alpha),
        take(trial, alpha),
        take(trial, alpha, 'read'),
      ])
      const foreign = await take(trial, beta)
      const sessions = await Promise.all(leases.map((lease) => subject.connect(lease)))
      const bystander = await subject.connect(foreign)
      const result = await boundary.revoke(alpha)
      assert.deepEqual(result.leases.toSorted(), leases.map((l) => l.lease_id).toSorted())
      for (const lease of leases) assert.equal(await opens(trial, lease), false)
      for (const session of sessions) await assertEnded(session)
      await bystander.read()
      await bystander.close()
      assert.ok(await opens(trial, await take(trial, alpha)), 'the tenant is locked out for good')
      await boundary.revoke(alpha)
      await boundary.revoke(beta)
    },
  },
  {
    title: "revoking again, or what never was or is another tenant's, does nothing and is no error",
    async check(trial) {
      const { alpha, beta, boundary } = trial
      const [lease, foreign] = await Promise.all([take(trial, alpha), take(trial, beta)])
      await boundary.revoke(alpha, lease.lease_id)
      const unknown = ['', "'; --", '../x', crypto.randomUUID()] as LeaseId[]
      for (const id of [lease.lease_id, foreign.lease_id, ...unknown]) {
        assert.deepEqual(await boundary.revoke(alpha, id), NOTHING)
      }
      assert.deepEqual(await boundary.revoke(alpha), NOTHING)
      assert.ok(await opens(trial, foreign))
      await boundary.revoke(beta)
    },
  },
  {
    title: 'revocations, leases and sweeps at the same time end exactly what was revoked',
    async check(trial) {
      const { alpha, beta, boundary } = trial
      const doomed = await Promise.all([take(trial, alpha), take(trial, alpha), take(trial, alpha)])
      const kept = await take(trial, beta)
      const [, , , fresh] = await Promise.all([
        ...doomed.map((lease) => boundary.revoke(alpha, lease.lease_id)),
        take(trial, alpha),
        ...doomed.map((lease) => boundary.revoke(alpha, lease.lease_id)),
        boundary.sweep(),
        boundary.sweep(),
      ])
      for (const lease of doomed) assert.equal(await opens(trial, lease), false)
      assert.ok(fresh && 'credential' in fresh)
      assert.ok((await opens(trial, fresh)) && (await opens(trial, kept)))
      await boundary.revoke(alpha)
      await boundary.revoke(beta)
    },
  },
]
