import assert from 'node:assert/strict'
import type { Tenant, TenantId, Tier } from '../../core/tenant.ts'
import {
  assertEnded,
  freshTenant,
  type Obligation,
  opens,
  refused,
  take,
  type Trial,
  uniqueText,
  using,
  visiting,
} from './trial.ts'

const otherTiers = ({ boundary, tier }: Trial): readonly Tier[] =>
  boundary.tiers.filter((one) => one !== tier)

export const MOVE_OBLIGATIONS: readonly Obligation[] = [
  {
    title: 'a tenant moves to every other tier with all that it wrote, also while it moved',
    async check(trial) {
      for (const to of otherTiers(trial)) await moves(trial, to)
    },
  },
  {
    title: 'a move that is aborted leaves the tenant whole where it was, with its leases',
    async check(trial) {
      const { boundary } = trial
      for (const to of otherTiers(trial)) {
        const tenant = freshTenant(trial.tier)
        const first = await boundary.provision(tenant)
        await boundary.abortMove(tenant.id)
        const lease = await take(trial, tenant.id)
        const texts = [await write(trial, tenant.id), await write(trial, tenant.id)]
        await boundary.prepareMove(tenant.id, to)
        texts.push(await write(trial, tenant.id))
        await boundary.catchUp(tenant.id)
        await boundary.abortMove(tenant.id)
        await boundary.abortMove(tenant.id)
        assert.deepEqual(await boundary.provision(tenant), first)
        assert.deepEqual(await textsOf(trial, tenant.id), texts.toSorted())
        assert.ok(await opens(trial, lease), 'a lease did not survive')
        await refused(boundary.cutOver(tenant.id), 'move_failed')
        await boundary.erase(tenant.id)
      }
    },
  },
  {
    title: 'a step of a move that is out of its turn is refused and changes nothing',
    async check(trial) {
      const { boundary, tier } = trial
      const [to, another] = otherTiers(trial)
      if (to === undefined) return
      const nobody = freshTenant(tier).id
      await refused(boundary.prepareMove(nobody, to), 'tenant_unknown')
      await refused(boundary.catchUp(nobody), 'tenant_unknown')
      await refused(boundary.cutOver(nobody), 'tenant_unknown')
      await boundary.abortMove(nobody)
      await boundary.finishMove(nobody)
      const tenant = freshTenant(tier)
      await boundary.provision(tenant)
      const text = await write(trial, tenant.id)
      await refused(boundary.prepareMove(tenant.id, tier), 'move_failed')
      await refused(boundary.catchUp(tenant.id), 'move_failed')
      await refused(boundary.cutOver(tenant.id), 'move_failed')
      await boundary.finishMove(tenant.id)
      const begun = await boundary.prepareMove(tenant.id, to)
      assert.deepEqual((await boundary.prepareMove(tenant.id, to)).items, begun.items)
      if (another !== undefined) {
        await refused(boundary.prepareMove(tenant.id, another), 'move_failed')
      }
      await refused(boundary.finishMove(tenant.id), 'move_failed')
      assert.deepEqual(await textsOf(trial, tenant.id), [text])
      await boundary.erase(tenant.id)
    },
  },
  {
    title: 'erasing a tenant that is moving leaves nothing in either place',
    async check(trial) {
      const { boundary } = trial
      for (const [index, to] of otherTiers(trial).entries()) {
        const tenant = freshTenant(trial.tier)
        await boundary.provision(tenant)
        await write(trial, tenant.id)
        await boundary.prepareMove(tenant.id, to)
        if (index % 2 === 1) await boundary.cutOver(tenant.id)
        const { probes } = await boundary.erase(tenant.id)
        assert.ok(probes.length > 0 && probes.every(({ found }) => found === 0))
        await boundary.provision(tenant)
        assert.deepEqual(await textsOf(trial, tenant.id), [])
        await boundary.erase(tenant.id)
      }
    },
  },
]

async function moves(trial: Trial, to: Tier): Promise<void> {
  const { boundary, beta, subject, tier } = trial
  const tenant: Tenant = freshTenant(tier)
  const first = await boundary.provision(tenant)
  const foreign = uniqueText('foreign')
  await visiting(trial, beta, (session) => session.write(foreign))
  const texts = [await write(trial, tenant.id), await write(trial, tenant.id)]
  const lease = await take(trial, tenant.id)
  const session = await subject.connect(lease)
  const begun = await boundary.prepareMove(tenant.id, to)
  assert.deepEqual([begun.from, begun.to], [tier, to])
  assert.ok(begun.copied >= texts.length)
  for (let round = 0; round < 3; round += 1) {
    const text = uniqueText('meanwhile')
    await session.write(text)
    texts.push(text)
    if (round < 2) await boundary.catchUp(tenant.id)
  }
  const cut = await boundary.cutOver(tenant.id)
  assert.equal(cut.placement.tier, to)
  assert.equal(cut.placement.tenant, tenant.id)
  assert.notEqual(cut.placement.key, first.key)
  assert.ok(cut.pausedMs > 0 && cut.verified.every(({ hash }) => hash !== ''))
  const verified = cut.verified.reduce((sum, { count }) => sum + count, 0)
  assert.ok(verified >= texts.length, 'not all was compared')
  await assertEnded(session)
  assert.equal(await opens(trial, lease), false)
  const again = await boundary.cutOver(tenant.id)
  assert.deepEqual([again.placement, again.verified], [cut.placement, cut.verified])
  await refused(boundary.abortMove(tenant.id), 'move_failed')
  await refused(boundary.provision(tenant), 'invalid_argument')
  assert.deepEqual(await boundary.provision({ ...tenant, tier: to }), cut.placement)
  assert.deepEqual(await textsOf(trial, tenant.id), texts.toSorted())
  texts.push(await write(trial, tenant.id))
  const erasure = await boundary.finishMove(tenant.id)
  assert.ok(erasure.probes.length > 0, 'nobody looked for what is left')
  assert.ok(erasure.probes.every(({ found }) => found === 0))
  assert.deepEqual((await boundary.finishMove(tenant.id)).deleted, [])
  assert.deepEqual(await textsOf(trial, tenant.id), texts.toSorted())
  assert.ok((await visiting(trial, beta, (visit) => visit.read())).includes(foreign))
  const checks = await boundary.smoke(tenant.id)
  assert.deepEqual(
    checks.filter((check) => !check.held),
    [],
  )
  await boundary.erase(tenant.id)
}

async function write(trial: Trial, tenant: TenantId): Promise<string> {
  const text = uniqueText('moved')
  await visiting(trial, tenant, (session) => session.write(text))
  return text
}

async function textsOf(trial: Trial, tenant: TenantId): Promise<readonly string[]> {
  const lease = await take(trial, tenant)
  const texts = await using(trial, lease, (session) => session.read())
  await trial.boundary.revoke(tenant, lease.lease_id)
  return texts.toSorted()
}
