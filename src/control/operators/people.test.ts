import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseSubject, type Subject } from '../../core/names.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import { type ControlSite, operator, startControlSite } from '../control-site.test-support.ts'
import type { Actor } from '../control-plane.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { ApprovalRequired } from './approval-required.ts'
import { MemoryAccounts } from './memory-accounts.test-support.ts'
import { type TestOperatorsRealm, testOperatorsRealm } from './sign-in.test-support.ts'

let site: ControlSite
let realm: TestOperatorsRealm
let plane: OpenControlPlane
let sue: Actor
let bob: Actor
const accounts = new MemoryAccounts()
const published: Revocation[] = []
const first = operator('bootstrap')

before(async () => {
  site = await startControlSite()
  realm = await testOperatorsRealm()
  plane = await site.open({
    ports: { ...realm.portsOn(site.ports), operators: accounts },
    revocations: { publisher: { publish: async (_rows, one) => void published.push(one) } },
  })
})
after(() => site?.stop())

/** Done, with the second person that it needs. */
async function together<T>(act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof ApprovalRequired)) throw error
    await plane.approvals.decide(error.approval, true, undefined, bob)
    return act()
  }
}

const person = (name: string): Subject => parseSubject(name)
const asked = { code: 'approval_required' }

test('the first two are invited by the first token, alone', async () => {
  for (const [email, roles] of [
    ['sue@example.com', ['security', 'operator']],
    ['bob@example.com', ['approver']],
  ] as const) {
    const made = await plane.people.invite({ email, displayName: email, roles }, first)
    assert.deepEqual(
      made.roles,
      roles.toSorted((a, b) => (a < b ? -1 : 1)),
    )
  }
  sue = await realm.person(plane, 'sue', 'security', 'operator')
  bob = await realm.person(plane, 'bob', 'approver')
  assert.ok(await plane.operators.fourEyesSince())
})

test('from then on nobody is invited by one person, nor by the first token', async () => {
  const dan = { email: 'dan@example.com', displayName: 'Dan', roles: ['viewer'] } as const
  await assert.rejects(plane.people.invite(dan, first), { code: 'forbidden' })
  await assert.rejects(plane.people.invite(dan, sue), asked)
  assert.equal(accounts.people.size, 2)
  await together(() => plane.people.invite(dan, sue))
  assert.equal((await plane.people.get(person('dan'))).email, 'dan@example.com')
})

test('nobody gets more by one person’s word, and less at once, with all that was issued void', async () => {
  const dan = person('dan')
  await assert.rejects(plane.people.setRoles(dan, ['viewer', 'operator'], sue), asked)
  assert.deepEqual((await plane.people.get(dan)).roles, ['viewer'])
  await together(() => plane.people.setRoles(dan, ['operator'], sue))
  published.length = 0
  const less = await plane.people.setRoles(dan, ['viewer'], sue)
  assert.deepEqual(less.roles, ['viewer'])
  assert.deepEqual(
    published.map((one) => [one.kind, 'tenant' in one && one.tenant, 'id' in one && one.id]),
    [['subject', 'ringfence-operators', 'dan']],
  )
})

test('nobody widens itself', async () => {
  const ask = () => plane.people.setRoles(person('sue'), ['security', 'operator', 'approver'], sue)
  // Security decides already: approver adds nothing.
  await ask()
  const more = () => plane.people.setRoles(person('bob'), ['approver', 'security'], bob)
  await assert.rejects(more(), { code: 'forbidden' })
})

test('two who decide are left whatever is done', async () => {
  const few = { code: 'conflict', message: /fewer than two/ }
  await assert.rejects(plane.people.remove(person('bob'), sue), few)
  await assert.rejects(plane.people.setRoles(person('bob'), ['viewer'], sue), few)
  const eve = { email: 'eve@example.com', displayName: 'Eve', roles: ['approver'] } as const
  await together(() => plane.people.invite(eve, sue))
  published.length = 0
  const gone = await plane.people.remove(person('eve'), sue)
  assert.equal(gone.active, false)
  assert.equal(published[0]?.kind, 'subject')
  await assert.rejects(plane.people.get(person('eve')), { code: 'not_found' })
})

test('an invitation that is none is refused, and says nothing', async () => {
  const good = { email: 'x@example.com', displayName: 'X', roles: ['viewer'] } as const
  for (const wrong of [
    { ...good, email: 'x' },
    { ...good, email: 'x@y\r\nBcc: z@example.com' },
    { ...good, displayName: 'a\nb' },
    { ...good, roles: [] },
  ]) {
    await assert.rejects(plane.people.invite(wrong, sue), { code: 'invalid_argument' })
  }
})

test('everything is revoked by two, and never by one', async () => {
  await assert.rejects(plane.security.revokeEverything('stolen', sue), asked)
  published.length = 0
  await together(() => plane.security.revokeEverything('stolen', sue))
  assert.deepEqual(
    published.map(({ kind }) => kind),
    ['everything'],
  )
  await assert.rejects(plane.security.revokeEverything('stolen', bob), { code: 'forbidden' })
})
