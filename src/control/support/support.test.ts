import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { type ShownSupport, type SupportDecision, termsDigest } from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { verifyContext } from '../../tokens/tenant-context.ts'
import { KeySet } from '../../tokens/verify-token.ts'
import type { Actor } from '../control-plane.ts'
import {
  type ControlSite,
  fillCatalogue,
  onboarded,
  operator,
  startControlSite,
  succeeded,
  tenant,
  until,
} from '../control-site.test-support.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { ApprovalRequired } from '../operators/approval-required.ts'
import { type TestOperatorsRealm, testOperatorsRealm } from '../operators/sign-in.test-support.ts'
import type { SupportDesk } from './support-desk.ts'
import { SUPPORT_SERVICE } from './support-service.ts'
import type { SupportView } from './support.ts'

let site: ControlSite
let realm: TestOperatorsRealm
let plane: OpenControlPlane
let otto: Actor
let bob: Actor
let sue: Actor
const acme = tenant('acme')
const beta = tenant('beta')

/** What tenants were shown, and what they said. */
const shown = new Map<string, ShownSupport>()
const said = new Map<TenantId, SupportDecision[]>()
const published: Revocation[] = []

const desk: SupportDesk = {
  show: async (access) => void shown.set(access.id, access),
  decisions: async (id) => said.get(id) ?? [],
  issue: async (id, access, seconds) => ({
    token: `token of ${id} for ${access}`,
    expiresAt: new Date(Date.now() + seconds * 1000),
  }),
}

before(async () => {
  site = await startControlSite()
  realm = await testOperatorsRealm()
  plane = await site.open({
    ports: { ...realm.portsOn(site.ports), support: desk },
    supportEveryMs: 20,
    revocations: { publisher: { publish: async (_rows, one) => void published.push(one) } },
  })
  await fillCatalogue(plane)
  for (const id of ['acme', 'beta']) await onboarded(plane, id)
})
after(() => site?.stop())
beforeEach(() => {
  said.clear()
  published.length = 0
})

const request = { scope: 'read', seconds: 1_800, reason: 'ticket 4711' } as const
const ask = (by: Actor, more: { tenant?: TenantId; seconds?: number } = {}) =>
  plane.support.request({ tenant: acme, ...request, ...more }, by)

/** What an administrator of `of` says. */
function say(access: SupportView, kind: SupportDecision['kind'], of: TenantId = access.tenant) {
  const decision = { access: access.id, digest: termsDigest(access), kind, by: 'alice' }
  said.set(of, [...(said.get(of) ?? []), { ...decision, at: new Date() }])
}

async function stands(access: SupportView, state: SupportView['state']): Promise<SupportView> {
  await until(async () => (await plane.support.get(access.id)).state === state)
  return plane.support.get(access.id)
}

/** One more look has gone by. */
async function looked(): Promise<void> {
  const { id } = await ask(otto, { tenant: beta })
  await until(() => shown.has(id))
  await plane.support.end(id, 'looked', otto)
}

async function approve(access: SupportView): Promise<void> {
  await plane.approvals.decide(access.approval ?? assert.fail(), true, undefined, bob)
}

/** Active, with everybody agreed. */
async function active(): Promise<SupportView> {
  const access = await ask(otto)
  await approve(access)
  say(access, 'consent')
  return stands(access, 'active')
}

/** The policy, with the second person that changing it needs. */
async function policy(of: TenantId, to: Parameters<typeof plane.support.setPolicy>[1]) {
  try {
    await plane.support.setPolicy(of, to, sue)
  } catch (error) {
    assert.ok(error instanceof ApprovalRequired)
    await plane.approvals.decide(error.approval, true, undefined, bob)
    await plane.support.setPolicy(of, to, sue)
  }
}

describe('before there is a second person', () => {
  test('nobody is asked for one, and the access says so; a tenant is asked all the same', async () => {
    const access = await ask(operator('machine'))
    assert.equal(access.alone, true)
    assert.equal(access.state, 'requested')
    assert.equal(access.approval, undefined)
    await plane.support.setPolicy(acme, 'second-person', operator('machine'))
    const other = await ask(operator('machine'))
    assert.equal(other.state, 'active')
    assert.equal(other.operator, 'token:machine')
    await plane.support.setPolicy(acme, 'consent-and-second-person', operator('machine'))
    bob = await realm.person(plane, 'bob', 'approver')
    sue = await realm.person(plane, 'sue', 'security', 'operator')
    otto = await realm.person(plane, 'otto', 'operator')
    assert.ok(await plane.operators.fourEyesSince())
  })
})

describe('an access', () => {
  test('needs a second person and the tenant, in either order, and then is active for its time', async () => {
    const first = await ask(otto)
    assert.equal(first.state, 'requested')
    await approve(first)
    assert.equal((await plane.support.get(first.id)).state, 'approved')
    say(first, 'consent')
    const { state, endsAt, approvedBy, consentedBy } = await stands(first, 'active')
    assert.deepEqual([state, approvedBy, consentedBy], ['active', 'person:bob', 'tenant:alice'])
    const left = (endsAt?.getTime() ?? 0) - Date.now()
    assert.ok(left > 1_700_000 && left <= 1_800_000, String(left))
    const second = await ask(otto)
    say(second, 'consent')
    await stands(second, 'consented')
    await approve(second)
    assert.equal((await plane.support.get(second.id)).state, 'active')
  })

  test('is shown to its tenant with all that became of it', async () => {
    const access = await active()
    await until(() => shown.get(access.id)?.state === 'active')
    const seen = shown.get(access.id) ?? assert.fail()
    assert.deepEqual(
      [seen.tenant, seen.operator, seen.reason, seen.scope],
      [acme, 'otto', 'ticket 4711', 'read'],
    )
    assert.deepEqual(
      seen.changes.map(({ to, by }) => `${to} ${by}`).toSorted(),
      ['active tenant:alice', 'approved person:bob', 'requested person:otto'].toSorted(),
    )
  })

  test('gives a context for its tenant, scope and time, which carries its id', async () => {
    const access = await active()
    const key = await plane.support.context(access.id, 3_600, otto)
    const keys = { request: new KeySet([]), job: new KeySet([site.keys.job.publicJwk]) }
    const context = await verifyContext(key.token, keys, SUPPORT_SERVICE)
    assert.deepEqual(
      [context.tenant, context.subject, context.scopes, context.session],
      [acme, 'support:otto', ['read'], access.id],
    )
    assert.ok(context.expiresAt <= (access.endsAt ?? assert.fail()))
    const token = await plane.support.token(access.id, otto)
    assert.equal(token.token, `token of acme for ${access.id}`)
    const issued = await site.ask<{ tenant: string; by: string; reason: string }>(
      `select tenant, by, reason from registry.job_issue where job = 'support' order by id desc limit 1`,
    )
    assert.deepEqual(issued, [{ tenant: 'acme', by: 'person:otto', reason: 'ticket 4711' }])
  })

  test('ends when its time is over, whether or not anybody has noticed', async () => {
    const access = await active()
    await site.ask(
      `update registry.support_access set ends_at = now(), active_at = now() - interval '20 minutes'
        where id = $1`,
      [access.id],
    )
    await assert.rejects(plane.support.context(access.id, 60, otto), { code: 'conflict' })
    await stands(access, 'expired')
    await until(() => published.length > 0)
    assert.deepEqual(
      published.map((one) => [one.kind, 'id' in one && one.id]),
      [['session', access.id]],
    )
  })

  test('that nobody agreed to in time is given up', async () => {
    const access = await ask(otto)
    await site.ask('update registry.support_access set decide_by = now() where id = $1', [
      access.id,
    ])
    await stands(access, 'expired')
    await assert.rejects(approve(access), { code: 'conflict' })
  })
})

describe('an access that is over', () => {
  for (const [how, end, state] of [
    ['given back', (one: SupportView) => plane.support.end(one.id, 'done', otto), 'ended'],
    ['taken away', (one: SupportView) => plane.support.revoke(one.id, 'why?', sue), 'revoked'],
    ['ended by its tenant', async (one: SupportView) => say(one, 'revoke'), 'revoked'],
  ] as const) {
    test(`${how}: gives nothing any more, and what it gave is void`, async () => {
      const access = await active()
      await plane.support.context(access.id, 60, otto)
      await end(access)
      await stands(access, state)
      assert.deepEqual(
        published.map((one) => [one.kind, 'tenant' in one && one.tenant, 'id' in one && one.id]),
        [['session', acme, access.id]],
      )
      await assert.rejects(plane.support.context(access.id, 60, otto), { code: 'conflict' })
      await assert.rejects(plane.support.token(access.id, otto), { code: 'conflict' })
      await assert.rejects(plane.support.end(access.id, 'again', otto), { code: 'conflict' })
      say(access, 'consent')
      await looked()
      assert.equal((await plane.support.get(access.id)).state, state)
      await until(() => shown.get(access.id)?.state === state)
    })
  }

  test('ends the leases that operators hold of the tenant, and nobody else’s', async () => {
    const access = await active()
    const boundary = (
      await site.ports.cells.boundaries((await plane.tenants.get(acme)).cell ?? assert.fail())
    )[0]
    assert.ok(boundary)
    const mine = await boundary.lease(acme, { scope: 'read', holder: 'ringfence-operator' })
    const theirs = await boundary.lease(acme, { scope: 'read', holder: 'clinic-web' })
    await plane.support.end(access.id, 'done', otto)
    const open = async () =>
      (await boundary.leases(acme)).filter(({ ended_at }) => ended_at === undefined)
    await until(async () => !(await open()).some(({ lease_id }) => lease_id === mine.lease_id))
    assert.ok((await open()).some(({ lease_id }) => lease_id === theirs.lease_id))
  })
})

describe('nobody gets at a tenant’s data', () => {
  test('whom the tenant or the second person refused', async () => {
    const refusedByTenant = await ask(otto)
    await approve(refusedByTenant)
    say(refusedByTenant, 'deny')
    await stands(refusedByTenant, 'denied')
    const refused = await ask(otto)
    await plane.approvals.decide(refused.approval ?? '', false, 'no', bob)
    assert.equal((await plane.support.get(refused.id)).state, 'denied')
    for (const { id } of [refusedByTenant, refused]) {
      await assert.rejects(plane.support.context(id, 60, otto), { code: 'conflict' })
    }
  })

  test('before everybody has agreed', async () => {
    const access = await ask(otto)
    await assert.rejects(plane.support.context(access.id, 60, otto), { code: 'conflict' })
    await approve(access)
    await assert.rejects(plane.support.context(access.id, 60, otto), { code: 'conflict' })
    await assert.rejects(plane.support.token(access.id, otto), { code: 'conflict' })
  })

  test('by another tenant’s word, or by a word to other terms', async () => {
    const access = await ask(otto)
    await approve(access)
    say(access, 'consent', beta)
    // The same access, and a longer time than was agreed to.
    const altered = { ...access, seconds: 60 }
    const decision = { access: access.id, digest: termsDigest(altered), kind: 'consent' } as const
    said.set(acme, [{ ...decision, by: 'alice', at: new Date() }])
    await looked()
    assert.equal((await plane.support.get(access.id)).state, 'approved')
  })

  test('with somebody else’s access', async () => {
    const access = await active()
    const eve = await realm.person(plane, 'eve', 'operator')
    for (const by of [eve, operator('machine'), sue]) {
      await assert.rejects(plane.support.context(access.id, 60, by), { code: 'forbidden' })
      await assert.rejects(plane.support.token(access.id, by), { code: 'forbidden' })
      await assert.rejects(plane.support.end(access.id, 'x', by), { code: 'forbidden' })
    }
  })

  test('by approving it for oneself, also through a token that one owns', async () => {
    const both = await realm.person(plane, 'max', 'operator', 'approver')
    const access = await ask(both)
    const approval = access.approval ?? assert.fail()
    const token: Actor = { ...operator('maxs-token'), person: both.person ?? assert.fail() }
    for (const by of [both, token]) {
      await assert.rejects(plane.approvals.decide(approval, true, undefined, by), {
        code: 'forbidden',
      })
    }
  })

  test('by a token behind which nobody is known', async () => {
    await assert.rejects(ask(operator('machine')), { code: 'forbidden' })
  })

  test('of a tenant that lets nobody, is suspended, or is not there', async () => {
    await policy(beta, 'never')
    await assert.rejects(ask(otto, { tenant: beta }), { code: 'forbidden' })
    await policy(beta, 'consent-and-second-person')
    const gone = await onboarded(plane, 'gone')
    await succeeded(plane, await plane.tenants.suspend(gone, 'unpaid', sue))
    for (const id of [gone, tenant('absent')]) {
      await assert.rejects(ask(otto, { tenant: id }), {
        code: 'not_found',
        message: 'no such active tenant',
      })
    }
  })

  test('for longer than four hours, or for no reason', async () => {
    for (const wrong of [{ seconds: 4 * 3_600 + 1 }, { seconds: 1 }, { reason: ' ' }]) {
      await assert.rejects(plane.support.request({ tenant: acme, ...request, ...wrong }, otto), {
        code: 'invalid_argument',
      })
    }
  })

  test('as a job: contexts of the operators’ service come from support alone', async () => {
    const job = { job: 'exec', service: SUPPORT_SERVICE, scopes: ['read'], seconds: 60 } as const
    await assert.rejects(plane.jobs.contexts({ ...job, reason: 'x' }, operator('machine')), {
      code: 'forbidden',
    })
  })

  test('by writing past the program: the database holds an active access to its agreement', async () => {
    const access = await ask(otto)
    for (const sql of [
      `update registry.support_access set state = 'active' where id = $1`,
      `update registry.support_access set state = 'active', active_at = now(),
         ends_at = now() + interval '10 minutes' where id = $1`,
      `update registry.support_access set approved_by = requested_by where id = $1`,
      `update registry.support_access set active_at = now(), ends_at = now() + interval '5 hours'
        where id = $1`,
    ]) {
      await assert.rejects(site.ask(sql, [access.id]), /violates check constraint/)
    }
  })
})

test('an agreement under a narrower policy asks only whom that names', async () => {
  await policy(beta, 'consent')
  const consent = await ask(otto, { tenant: beta })
  assert.equal(consent.approval, undefined)
  say(consent, 'consent')
  await stands(consent, 'active')
  await policy(beta, 'second-person')
  const second = await ask(otto, { tenant: beta })
  await approve(second)
  assert.equal((await plane.support.get(second.id)).state, 'active')
})
