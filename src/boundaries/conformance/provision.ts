import assert from 'node:assert/strict'
import type { TenantId } from '../../core/tenant.ts'
import {
  freshTenant,
  type Obligation,
  opens,
  refused,
  take,
  tenantNamed,
  type Trial,
  uniqueText,
  using,
  visiting,
} from './trial.ts'

/** Legal ids that a careless name, prefix, pattern or keyword would confuse. */
const CONFUSABLE: readonly string[] = [
  't1',
  't10',
  't1-0',
  'select',
  'public',
  'postgres',
  'admin',
  `${'x'.repeat(39)}a`,
  `${'x'.repeat(39)}b`,
]

export const PROVISION_OBLIGATIONS: readonly Obligation[] = [
  {
    title: 'two provisions at once make one place, and a third changes nothing in it',
    async check(trial) {
      const { boundary } = trial
      const tenant = freshTenant(trial.tier)
      const [first, other] = await Promise.all([
        boundary.provision(tenant),
        boundary.provision(tenant),
      ])
      assert.deepEqual(first, other)
      assert.equal(first.tenant, tenant.id)
      assert.equal(first.tier, trial.tier)
      const text = uniqueText('kept')
      const lease = await take(trial, tenant.id)
      await using(trial, lease, (session) => session.write(text))
      assert.deepEqual(await boundary.provision(tenant), first)
      assert.deepEqual(await using(trial, lease, (session) => session.read()), [text])
      await boundary.erase(tenant.id)
    },
  },
  {
    title: 'what fails in an outage is finished by the same call after it',
    async check(trial) {
      const { boundary, alpha } = trial
      const tenant = freshTenant(trial.tier)
      const restore = await trial.subject.outage()
      try {
        await refused(boundary.provision(tenant), 'engine_unavailable', 'timed_out')
        await refused(take(trial, alpha), 'engine_unavailable', 'timed_out')
        await refused(boundary.erase(alpha), 'engine_unavailable', 'timed_out')
      } finally {
        await restore()
      }
      await boundary.provision(tenant)
      assert.deepEqual(await visiting(trial, tenant.id, (session) => session.read()), [])
      assert.ok(await opens(trial, await take(trial, alpha)), 'a tenant did not survive the outage')
      await boundary.erase(tenant.id)
    },
  },
  {
    title: 'a tenant that never was has no lease and no export, and nothing to revoke or erase',
    async check({ boundary, tier }) {
      const { id } = freshTenant(tier)
      const sink = { open: unexpected, write: unexpected, close: unexpected }
      await refused(boundary.lease(id, { scope: 'read', holder: 'conformance' }), 'tenant_unknown')
      await refused(boundary.export(id, sink), 'tenant_unknown')
      assert.deepEqual(await boundary.revoke(id), { leases: [], sessionsEnded: 0 })
      assert.deepEqual(await boundary.leases(id), [])
      const { probes, deleted } = await boundary.erase(id)
      assert.deepEqual(
        [...probes.map((probe) => probe.found), ...deleted.map((one) => one.count)].filter(Boolean),
        [],
      )
    },
  },
  {
    title: 'tenants with confusable ids, all at once, see their own data and no others',
    check: confusableTenants,
  },
]

async function confusableTenants(trial: Trial): Promise<void> {
  const { boundary, tier } = trial
  const texts = new Map<TenantId, string[]>()
  await Promise.all(
    CONFUSABLE.map(async (id) => {
      const tenant = tenantNamed(id, tier)
      await Promise.all([boundary.provision(tenant), boundary.provision(tenant)])
      texts.set(tenant.id, await busyDay(trial, tenant.id))
    }),
  )
  const keys = new Set<string>()
  for (const [id, own] of texts) {
    keys.add((await boundary.provision(tenantNamed(id, tier))).key)
    assert.deepEqual(
      (await visiting(trial, id, (session) => session.read())).toSorted(),
      own.toSorted(),
      `${id} sees something else than its own`,
    )
  }
  assert.equal(keys.size, CONFUSABLE.length, 'two tenants have one place')
  // What is done to one id is done to no other.
  const [t1, ...others] = [...texts.keys()].toSorted()
  assert.ok(t1)
  const held = await Promise.all(others.map((id) => take(trial, id)))
  await boundary.revoke(t1)
  await boundary.erase(t1)
  for (const lease of held) {
    const seen = await using(trial, lease, (session) => session.read())
    assert.deepEqual(seen.toSorted(), texts.get(lease.tenant)?.toSorted())
  }
  await Promise.all(others.map((id) => boundary.erase(id)))
}

/** Leases, writes, reads and revokes in turn, three times over. Returns what was written. */
async function busyDay(trial: Trial, id: TenantId): Promise<string[]> {
  const texts: string[] = []
  for (let round = 0; round < 3; round += 1) {
    const text = uniqueText(`of ${id}`)
    const [writer, reader] = await Promise.all([take(trial, id), take(trial, id, 'read')])
    await using(trial, writer, (session) => session.write(text))
    texts.push(text)
    const seen = await using(trial, reader, (session) => session.read())
    assert.deepEqual(seen.toSorted(), texts.toSorted())
    await trial.boundary.revoke(id, round % 2 === 0 ? writer.lease_id : undefined)
    assert.equal(await opens(trial, writer), false)
    assert.equal(await opens(trial, reader), round % 2 === 0)
  }
  return texts
}

function unexpected(): Promise<void> {
  return Promise.reject(new Error('the sink of a refused export was used'))
}
