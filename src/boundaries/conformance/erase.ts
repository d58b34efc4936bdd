import assert from 'node:assert/strict'
import type { Erasure } from '../boundary.ts'
import {
  assertEnded,
  freshTenant,
  type Obligation,
  opens,
  take,
  uniqueText,
  using,
  visiting,
} from './trial.ts'

export const ERASE_OBLIGATIONS: readonly Obligation[] = [
  {
    title: 'an erased tenant is gone, its neighbour is not; and what comes back is new and empty',
    async check(trial) {
      const { beta, boundary, subject } = trial
      const tenant = freshTenant(trial.tier)
      const first = await boundary.provision(tenant)
      const [own, foreign] = [uniqueText('erased'), uniqueText('kept')]
      const lease = await take(trial, tenant.id)
      const session = await subject.connect(lease)
      await session.write(own)
      await visiting(trial, beta, (neighbour) => neighbour.write(foreign))

      const erasure = await boundary.erase(tenant.id)
      assertNothingLeft(erasure)
      assert.equal(erasure.tenant, tenant.id)
      assert.ok(erasure.deleted.some((one) => one.count > 0))
      await assertEnded(session)
      assert.equal(await opens(trial, lease), false)
      assert.deepEqual(await boundary.leases(tenant.id), [])
      assert.ok((await visiting(trial, beta, (s) => s.read())).includes(foreign))

      const again = await boundary.erase(tenant.id)
      assert.ok(again.deleted.every((one) => one.count === 0))
      assert.ok(again.probes.every((probe) => probe.found === 0))

      const second = await boundary.provision(tenant)
      assert.notEqual(second.key, first.key)
      assert.equal(await opens(trial, lease), false)
      const text = uniqueText('new')
      const fresh = await take(trial, tenant.id)
      await using(trial, fresh, (visit) => visit.write(text))
      assert.deepEqual(await using(trial, fresh, (visit) => visit.read()), [text])
      const nothing = { leases: [], sessionsEnded: 0 }
      assert.deepEqual(await boundary.revoke(tenant.id, lease.lease_id), nothing)
      assert.ok(await opens(trial, fresh))
      await boundary.erase(tenant.id)
    },
  },
  {
    title: 'erasing a tenant that is at work, twice at once, leaves nothing of it',
    async check(trial) {
      const { boundary, subject } = trial
      const tenant = freshTenant(trial.tier)
      await boundary.provision(tenant)
      const lease = await take(trial, tenant.id)
      const session = await subject.connect(lease)
      await session.write(uniqueText('early'))
      const writing = (async () => {
        for (;;) await session.write(uniqueText('late'))
      })().catch(() => session.close())
      const erasures = await Promise.all([boundary.erase(tenant.id), boundary.erase(tenant.id)])
      await writing
      for (const erasure of erasures) {
        assert.ok(erasure.probes.every((probe) => probe.found === 0))
      }
      await boundary.provision(tenant)
      assert.deepEqual(await visiting(trial, tenant.id, (visit) => visit.read()), [])
      await boundary.erase(tenant.id)
    },
  },
]

function assertNothingLeft({ probes, notCovered }: Erasure): void {
  assert.ok(probes.length > 0, 'nobody looked for what is left')
  assert.deepEqual(
    probes.filter((probe) => probe.found !== 0),
    [],
  )
  assert.ok(notCovered.length > 0, 'an engine that can see and erase everything is not known')
}
