import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type ControlSite,
  fillCatalogue,
  GUARDED,
  jane as janesToken,
  onboarded,
  operator,
  request,
  startControlSite,
  tenant,
} from '../control-site.test-support.ts'
import type { Actor } from '../control-plane.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { withRequestKey } from '../request-key.ts'
import { ApprovalRequired } from './approval-required.ts'
import { ONE_FACTOR, type TestOperatorsRealm, testOperatorsRealm } from './sign-in.test-support.ts'

let site: ControlSite
let realm: TestOperatorsRealm
let plane: OpenControlPlane
let ann: Actor
let bob: Actor

before(async () => {
  site = await startControlSite()
  realm = await testOperatorsRealm()
  plane = await site.open({ ports: realm.portsOn(site.ports) })
  await fillCatalogue(plane)
})
after(() => site?.stop())

/** The approval that the act waits for. */
async function asked(act: () => Promise<unknown>): Promise<string> {
  try {
    await act()
  } catch (error) {
    if (error instanceof ApprovalRequired) return error.approval
    throw error
  }
  return assert.fail('it was done without a second person')
}

const purge = (id: 'acme' | 'beta', by: Actor) => () =>
  plane.tenants.offboard(tenant(id), { purge: true, why: 'ended' }, by)
const approve = (approval: string, by: Actor) =>
  plane.approvals.decide(approval, true, undefined, by)

describe('before there is a second person', () => {
  test('one person alone begins the platform, and it is told', async () => {
    assert.equal(await plane.operators.fourEyesSince(), undefined)
    await plane.operators.create({ name: 'early', scopes: ['tenants:read'] }, janesToken)
    ann = await realm.person(plane, 'ann', 'operator', 'approver', 'security')
    assert.equal(await plane.operators.fourEyesSince(), undefined)
  })

  test('nobody counts as one who does not decide, or signed in with one factor', async () => {
    await realm.person(plane, 'otto', 'operator')
    const weak = await realm.token('eve', ['security'], { acr: ONE_FACTOR })
    await plane.operators.authenticate(weak, 'r')
    await realm.person(plane, 'ann', 'security')
    assert.equal(await plane.operators.fourEyesSince(), undefined)
  })

  test('with the second who decides, four eyes are in force for good', async () => {
    bob = await realm.person(plane, 'bob', 'approver')
    assert.ok(await plane.operators.fourEyesSince())
    await plane.close()
    plane = await site.open({ ports: realm.portsOn(site.ports) })
    assert.ok(await plane.operators.fourEyesSince())
  })
})

describe('a guarded act', () => {
  test('waits for a second person, and is then done once', async () => {
    await onboarded(plane, 'acme')
    const approval = await asked(purge('acme', ann))
    assert.equal(await asked(purge('acme', ann)), approval)
    const view = await plane.approvals.get(approval)
    assert.equal(view.kind, 'purge')
    assert.equal(view.workflow, undefined)
    assert.match(view.summary ?? '', /erase acme at once/)
    await approve(approval, bob)
    const workflow = await purge('acme', ann)()
    assert.equal(workflow.kind, 'offboard')
    assert.notEqual(await asked(purge('acme', ann)), approval)
  })

  test('is not approved by its requester, by whatever credential', async () => {
    const make = () => plane.operators.create({ name: 'ci', scopes: ['tenants:read'] }, ann)
    const approval = await asked(make)
    await assert.rejects(approve(approval, ann), { code: 'forbidden' })
    await approve(approval, bob)
    const { token, operator: made } = await make()
    assert.equal(made.owner, 'ann')
    // The token's requests are its owner's: she does not approve them, nor does it approve hers.
    const own = await plane.operators.authenticate(token, 'r')
    const strong: Actor = { ...own, scopes: janesToken.scopes }
    const another = await asked(() =>
      plane.operators.create({ name: 'cd', scopes: ['tenants:read'] }, strong),
    )
    await assert.rejects(approve(another, ann), { code: 'forbidden' })
    await assert.rejects(approve(another, strong), { code: 'forbidden' })
    const hers = await asked(() =>
      plane.operators.create({ name: 'mine', scopes: ['tenants:read'] }, ann),
    )
    await assert.rejects(approve(hers, strong), { code: 'forbidden' })
  })

  test('is not approved by a token, one factor, a role that does not decide, or from outside', async () => {
    const approval = await asked(() =>
      plane.operators.create({ name: 'gate', scopes: ['tenants:read'] }, ann),
    )
    const weak = await plane.operators.authenticate(
      await realm.token('carl', ['approver'], { acr: ONE_FACTOR }),
      'r',
    )
    const others = [
      operator('machine'),
      { ...operator('carls-token'), person: weak.person ?? assert.fail() },
      weak,
      await realm.person(plane, 'otto', 'operator'),
    ]
    for (const other of others) {
      await assert.rejects(approve(approval, other), { code: 'forbidden' }, other.name)
    }
    const outside = {
      id: 'message-9',
      approval,
      approve: true,
      comment: undefined,
      channel: 'webhook',
      decidedBy: 'bob',
    }
    await assert.rejects(plane.approvals.decideOutside(outside), { code: 'forbidden' })
    assert.equal((await plane.approvals.get(approval)).state, 'pending')
  })

  test('of which another detail is asked for needs another approval', async () => {
    const make = (scopes: Actor['scopes']) => () =>
      plane.operators.create({ name: 'narrow', scopes }, ann)
    const approval = await asked(make(['leases:read']))
    await approve(approval, bob)
    assert.notEqual(await asked(make(['leases:read', 'tenants:write'])), approval)
    const { operator: made } = await make(['leases:read'])()
    assert.deepEqual(made.scopes, ['leases:read'])
  })

  test('that was approved for one person is not done by another', async () => {
    const make = (by: Actor) => () =>
      plane.operators.create({ name: 'hers', scopes: ['tenants:read'] }, by)
    const approval = await asked(make(ann))
    await approve(approval, bob)
    const carol = await realm.person(plane, 'carol', 'security')
    assert.notEqual(await asked(make(carol)), approval)
    await make(ann)()
  })

  test('that was refused, or approved too long ago, is not done', async () => {
    const make = () => plane.operators.create({ name: 'late', scopes: ['tenants:read'] }, ann)
    const first = await asked(make)
    await plane.approvals.decide(first, false, 'no', bob)
    const second = await asked(make)
    assert.notEqual(second, first)
    await approve(second, bob)
    await site.ask(
      `update registry.approval set decided_at = now() - interval '61 minutes' where id = $1`,
      [second],
    )
    assert.notEqual(await asked(make), second)
  })

  test('is done once by two who use one approval at the same moment', async () => {
    const make = () => plane.operators.create({ name: 'race', scopes: ['tenants:read'] }, ann)
    await approve(await asked(make), bob)
    const results = await Promise.allSettled([make(), make(), make()])
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('whose answer was lost gets it again by its key, without a second approval', async () => {
    const make = () => plane.operators.create({ name: 'lost', scopes: ['tenants:read'] }, ann)
    const keyed = () => withRequestKey('key-of-lost', make)
    await approve(await asked(keyed), bob)
    await keyed()
    const { operator: made } = await keyed()
    assert.equal(made.name, 'lost')
  })

  test('is nothing for a token behind which nobody is known', async () => {
    await assert.rejects(
      plane.operators.create({ name: 'x', scopes: ['tenants:read'] }, operator('machine')),
      { code: 'forbidden', message: /ringfence login/ },
    )
    await onboarded(plane, 'beta')
    await assert.rejects(purge('beta', operator('machine')), { code: 'forbidden' })
  })

  test('is to lift a legal hold, and not to set one', async () => {
    const hold = (legalHold: boolean) => () =>
      plane.tenants.update(tenant('beta'), { legalHold }, undefined, ann)
    await hold(true)()
    const approval = await asked(hold(false))
    assert.equal((await plane.tenants.get(tenant('beta'))).legalHold, true)
    await approve(approval, bob)
    assert.equal((await hold(false)()).legalHold, false)
    // There is none to lift any more.
    assert.equal((await hold(false)()).legalHold, false)
  })

  test('is to let a plan ask nobody any more, and not to have it ask', async () => {
    const [guarded] = (await plane.catalogue.plans()).filter(({ name }) => name === GUARDED)
    assert.ok(guarded)
    const approval = await asked(() =>
      plane.catalogue.putPlan({ ...guarded, approval: false }, ann),
    )
    await plane.catalogue.putPlan({ ...guarded, leasesPerMinute: 61 }, ann)
    await approve(approval, bob)
    const put = await plane.catalogue.putPlan({ ...guarded, approval: false }, ann)
    assert.equal(put.approval, false)
  })

  test('is recorded: who asked, who approved, who did it', async () => {
    const acts = await site.ask<{ actor: string; action: string }>(
      `select actor, action from registry.act where subject = 'lost' or subject in
        (select id from registry.approval where subject = 'lost') order by id`,
    )
    assert.deepEqual(
      acts.map(({ actor, action }) => `${actor} ${action}`),
      ['person:ann approval.request', 'person:bob approval.approve', 'person:ann operator.create'],
    )
  })
})

test('an approval of one workflow is not decided by its requester under another credential', async () => {
  const plan = (await plane.catalogue.plans()).find(({ name }) => name === GUARDED)
  await plane.catalogue.putPlan({ ...(plan ?? assert.fail()), approval: true }, ann)
  const begun = await plane.tenants.create({ ...request('gamma'), plan: GUARDED }, ann)
  const { items } = await plane.approvals.list({ state: 'pending' }, { limit: 100 })
  const approval = items.find(({ workflow }) => workflow === begun.id)?.id ?? assert.fail()
  const token: Actor = { ...operator('anns-token'), person: ann.person ?? assert.fail() }
  await assert.rejects(approve(approval, token), { code: 'forbidden' })
  assert.equal((await approve(approval, bob)).state, 'approved')
})

test('no tenant has the name of the operators’ realm, by whatever way', async () => {
  await assert.rejects(plane.tenants.create(request('ringfence-operators'), ann), {
    code: 'invalid_tenant_id',
  })
  await assert.rejects(
    site.ask(
      `insert into registry.tenant (id, tier, region, display_name, status, plan)
       select 'ringfence-operators', tier, region, display_name, 'requested', plan
         from registry.tenant limit 1`,
    ),
    /tenant_not_operators/,
  )
})
