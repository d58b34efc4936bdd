import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { RingfenceError } from '../../core/errors.ts'
import { parseSubject } from '../../core/names.ts'
import type { Revocation } from '../../revocation/revocation.ts'
import {
  type ControlSite,
  fillCatalogue,
  onboarded,
  operator,
  startControlSite,
  tenant,
} from '../control-site.test-support.ts'
import type { Actor } from '../control-plane.ts'
import type { OpenControlPlane } from '../open-control-plane.ts'
import { withRequestKey } from '../request-key.ts'
import { ApprovalRequired } from './approval-required.ts'
import { MemoryAccounts } from './memory-accounts.test-support.ts'
import { testOperatorsRealm } from './sign-in.test-support.ts'

/** Acts that the identity plane carries out, while it is away, or its answers are lost. */
let site: ControlSite
let plane: OpenControlPlane
let sue: Actor
let bob: Actor
const published: Revocation[] = []
const rotated: (readonly [string, boolean | undefined])[] = []

/** What becomes of the next change: carried out, not reached, or carried out with its answer lost. */
let next: 'well' | 'away' | 'lost' | 'refused' = 'well'
async function through<T>(work: () => Promise<T>): Promise<T> {
  const how = next
  next = 'well'
  if (how === 'away') throw new RingfenceError('engine_unavailable', 'away')
  if (how === 'refused') throw new RingfenceError('conflict', 'identity says no')
  const answer = await work()
  if (how === 'lost') throw new RingfenceError('engine_unavailable', 'the answer was lost')
  return answer
}

class FarAccounts extends MemoryAccounts {
  invited = 0
  override invite(invitation: Parameters<MemoryAccounts['invite']>[0]) {
    return through(() => {
      this.invited += 1
      return super.invite(invitation)
    })
  }
  override setRoles(...asked: Parameters<MemoryAccounts['setRoles']>) {
    return through(() => super.setRoles(...asked))
  }
  override remove(...asked: Parameters<MemoryAccounts['remove']>) {
    return through(() => super.remove(...asked))
  }
}
const accounts = new FarAccounts()

before(async () => {
  site = await startControlSite()
  const realm = await testOperatorsRealm()
  const ports = realm.portsOn(site.ports)
  plane = await site.open({
    ports: {
      ...ports,
      operators: accounts,
      realms: {
        ensure: (...asked) => ports.realms.ensure(...asked),
        find: (...asked) => ports.realms.find(...asked),
        setOpen: (...asked) => ports.realms.setOpen(...asked),
        remove: (...asked) => ports.realms.remove(...asked),
        rotateKeys: (id, compromised) => through(async () => void rotated.push([id, compromised])),
      },
    },
    revocations: { publisher: { publish: async (_rows, one) => void published.push(one) } },
  })
  await fillCatalogue(plane)
  const first = operator('bootstrap')
  for (const name of ['sue', 'bob', 'gil'] as const) {
    const invitation = { email: `${name}@example.com`, displayName: name }
    await plane.people.invite({ ...invitation, roles: ['approver'] }, first)
  }
  sue = await realm.person(plane, 'sue', 'security', 'operator')
  bob = await realm.person(plane, 'bob', 'approver')
})
after(() => site?.stop())

const away = { code: 'engine_unavailable' }
const reused = { code: 'idempotency_key_reused' }

/** The approval that is asked for, approved. */
async function approved(act: () => Promise<unknown>): Promise<void> {
  const asked = await act().then(
    () => assert.fail('it was done alone'),
    (error: unknown) => error,
  )
  if (!(asked instanceof ApprovalRequired)) throw asked
  await plane.approvals.decide(asked.approval, true, undefined, bob)
}

async function actions(subject: string): Promise<readonly string[]> {
  const acts = await site.ask<{ action: string }>(
    'select action from registry.act where subject = $1 order by id',
    [subject],
  )
  return acts.map(({ action }) => action)
}

const dan = { email: 'dan@example.com', displayName: 'Dan', roles: ['viewer'] } as const

describe('an invitation that identity was away for', () => {
  const invite = (invitation: Parameters<OpenControlPlane['people']['invite']>[0] = dan) =>
    withRequestKey('invite-dan', () => plane.people.invite(invitation, sue))

  test('is made by the same call with the same key, once, under its one approval', async () => {
    await approved(invite)
    next = 'away'
    await assert.rejects(invite(), away)
    assert.equal(accounts.people.has(parseSubject('dan')), false)
    const before = accounts.invited
    const made = await invite()
    assert.equal(made.email, dan.email)
    assert.equal(accounts.invited, before + 1)
    assert.deepEqual(await invite(), made)
    assert.equal(accounts.invited, before + 1)
    assert.deepEqual(await actions(dan.email), [
      'person.invite',
      'person.invite.unanswered',
      'person.invite.done',
    ])
  })

  test('is not made of another person, name or role under its key', async () => {
    for (const other of [
      { ...dan, email: 'mallory@example.com' },
      { ...dan, displayName: 'Mallory' },
      { ...dan, roles: ['security'] as const },
    ]) {
      await assert.rejects(invite(other), reused)
    }
    await assert.rejects(
      withRequestKey('invite-dan', () => plane.people.remove(parseSubject('bob'), sue)),
      reused,
    )
  })

  test('is not made of another while it is under way', async () => {
    const eve = { email: 'eve@example.com', displayName: 'Eve', roles: ['viewer'] } as const
    const first = () => withRequestKey('invite-eve', () => plane.people.invite(eve, sue))
    await approved(first)
    next = 'away'
    await assert.rejects(first(), away)
    const other = { ...eve, roles: ['security'] as const }
    await assert.rejects(
      withRequestKey('invite-eve', () => plane.people.invite(other, sue)),
      reused,
    )
    // Nor by another call for the same: the approval is the first one's.
    await assert.rejects(
      withRequestKey('invite-eve-2', () => plane.people.invite(eve, sue)),
      { code: 'approval_required' },
    )
    await assert.rejects(plane.people.invite(eve, sue), { code: 'approval_required' })
    assert.equal((await first()).email, eve.email)
  })

  test('needs another approval once its own is too old', async () => {
    const old = { email: 'old@example.com', displayName: 'Old', roles: ['viewer'] } as const
    const ask = () => withRequestKey('invite-old', () => plane.people.invite(old, sue))
    await approved(ask)
    next = 'away'
    await assert.rejects(ask(), away)
    await site.ask(
      `update registry.approval set decided_at = now() - interval '61 minutes' where subject = $1`,
      [old.email],
    )
    await approved(ask)
    assert.equal((await ask()).email, old.email)
  })

  test('that identity refused has used its approval: the next attempt needs another', async () => {
    const no = { email: 'no@example.com', displayName: 'No', roles: ['viewer'] } as const
    const ask = () => withRequestKey('invite-no', () => plane.people.invite(no, sue))
    await approved(ask)
    next = 'refused'
    await assert.rejects(ask(), { code: 'conflict' })
    await approved(ask)
    assert.equal((await ask()).email, no.email)
  })
})

test('roles that identity was away for are set by the repeat, and what was issued meanwhile is void', async () => {
  const person = parseSubject('dan')
  const widen = () =>
    withRequestKey('widen-dan', () => plane.people.setRoles(person, ['operator'], sue))
  await approved(widen)
  published.length = 0
  next = 'away'
  await assert.rejects(widen(), away)
  assert.deepEqual((await plane.people.get(person)).roles, ['viewer'])
  const wider = await widen()
  assert.deepEqual(wider.roles, ['operator'])
  assert.equal(published.length, 2)
  await plane.people.setRoles(person, ['viewer'], sue)
  // A third time it is not done again: only its answer is given.
  assert.deepEqual(await widen(), wider)
  assert.deepEqual((await plane.people.get(person)).roles, ['viewer'])
  await assert.rejects(
    withRequestKey('widen-dan', () => plane.people.setRoles(person, ['security'], sue)),
    reused,
  )
})

test('somebody is removed once, whether identity was away or its answer was lost', async () => {
  for (const [name, how] of [
    ['dan', 'away'],
    ['eve', 'lost'],
  ] as const) {
    const remove = () =>
      withRequestKey(`remove-${name}`, () => plane.people.remove(parseSubject(name), sue))
    next = how
    await assert.rejects(remove(), away)
    const gone = await remove()
    assert.deepEqual([gone.subject, gone.active, gone.email], [name, false, `${name}@example.com`])
    assert.equal(accounts.people.has(parseSubject(name)), false)
    assert.deepEqual(await remove(), gone)
  }
})

describe('keys that identity was away for', () => {
  before(() => onboarded(plane, 'acme'))
  const acme = tenant('acme')
  const replace = (compromised = true) =>
    withRequestKey('replace-keys', () => plane.security.replaceKeys(acme, compromised, sue))

  test('are replaced by the repeat, once, under one approval', async () => {
    await approved(replace)
    next = 'away'
    await assert.rejects(replace(), away)
    assert.deepEqual(rotated, [])
    await assert.rejects(replace(false), reused)
    await replace()
    await replace()
    assert.deepEqual(rotated, [['acme', true]])
  })

  test('are rotated by the repeat, once', async () => {
    rotated.length = 0
    const rotate = () =>
      withRequestKey('rotate-keys', () => plane.security.replaceKeys(acme, false, sue))
    next = 'away'
    await assert.rejects(rotate(), away)
    await rotate()
    await rotate()
    assert.deepEqual(rotated, [['acme', false]])
  })
})
