import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { RealmInput, RealmOperationName } from '../../administration/operations.ts'
import { describedOperation, REALM_OPERATION_NAMES } from '../../administration/operations.ts'
import { RingfenceError } from '../../core/errors.ts'
import { wireApproval } from '../api/wire.ts'
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
import { ApprovalRequired } from '../operators/approval-required.ts'
import { testOperatorsRealm } from '../operators/sign-in.test-support.ts'
import { withRequestKey } from '../request-key.ts'

/** Who lets somebody into a realm, and that nobody does alone. */
let site: ControlSite
let plane: OpenControlPlane
let ann: Actor
let bob: Actor
const acme = tenant('acme')
const beta = tenant('beta')

/** What the identity plane was asked to change; and of which realm it says that there are users. */
const carriedOut: (readonly [string, string])[] = []
const populated = new Set<string>([acme])
let failure: RingfenceError | undefined

before(async () => {
  site = await startControlSite()
  const realm = await testOperatorsRealm()
  plane = await site.open({
    ports: {
      ...realm.portsOn(site.ports),
      administration: async (name, of) => {
        if (name === 'listUsers') {
          const items = populated.has(of) ? [{ id: 'somebody' }] : []
          return { items } as never
        }
        const failed = failure
        failure = undefined
        if (failed !== undefined) throw failed
        carriedOut.push([name, of])
        return { id: `made-${carriedOut.length}` } as never
      },
    },
  })
  await fillCatalogue(plane)
  for (const id of ['acme', 'beta', 'gamma', 'delta']) await onboarded(plane, id)
  ann = await realm.person(plane, 'ann', 'operator')
  await plane.realms.ask('createUser', acme, { user_name: 'early' }, ann)
  assert.equal(carriedOut.length, 1, 'one person alone begins')
  for (const name of ['bob', 'cid']) bob = await realm.person(plane, name, 'approver')
  assert.ok(await plane.operators.fourEyesSince())
})
after(() => site?.stop())

type Asked = {
  readonly [N in RealmOperationName]: readonly [N, RealmInput<N>]
}[RealmOperationName]

const client = { client: 'robot', scopes: ['read'] }
const provider = { kind: 'oidc', source: 'https://idp.example' } as const
const claim = { domain: 'acme.example', connection: 'corporate' }
/** All that lets somebody in, each once and by each of its fields. */
const OPENING: readonly Asked[] = [
  ['createUser', { user_name: 'eve' }],
  ['updateUser', { user: 'ana', email: 'eve@attacker.test' }],
  ['updateUser', { user: 'ana', user_name: 'eve' }],
  ['updateUser', { user: 'ana', external_id: 'eve' }],
  ['updateUser', { user: 'ana', email_verified: true }],
  ['updateUser', { user: 'ana', active: true }],
  ['inviteUser', { user: 'ana' }],
  ['resetUserPassword', { user: 'ana' }],
  ['resetUserFactors', { user: 'ana' }],
  ['createGroup', { display_name: 'Ward', members: ['eve'] }],
  ['updateGroup', { group: 'ward', members: ['eve'] }],
  ['updateGroup', { group: 'ward', external_id: 'eve' }],
  ['addGroupMember', { group: 'ward', user: 'eve' }],
  ['putRole', { role: 'nurse', scopes: ['write'] }],
  ['bindRole', { user: 'eve', role: 'nurse' }],
  ['bindRole', { group: 'ward', role: 'nurse', effect: 'grant' }],
  ['createClient', client],
  ['putClient', client],
  ['createRegistrationToken', { seconds: 60 }],
  ['createScimToken', { name: 'Entra' }],
  ['putConnection', { connection: 'corporate', kind: 'oidc', display_name: 'x', config: {} }],
  ['allowSource', provider],
  ['addDomain', claim],
  ['verifyDomain', claim],
]
/** All else that changes something. */
const CLOSING: readonly Asked[] = [
  ['updateUser', { user: 'ana', display_name: 'Ana', active: false, email: null }],
  ['updateUser', { user: 'ana', email_verified: false }],
  ['removeUser', { user: 'ana' }],
  ['revokeApiKey', { user: 'ana', key: 'k' }],
  ['createGroup', { display_name: 'Ward' }],
  ['updateGroup', { group: 'ward', display_name: 'Ward 1' }],
  ['removeGroup', { group: 'ward' }],
  ['removeGroupMember', { group: 'ward', user: 'eve' }],
  ['bindRole', { user: 'eve', role: 'nurse', effect: 'withhold' }],
  ['unbindRole', { user: 'eve', role: 'nurse' }],
  ['removeRole', { role: 'nurse' }],
  ['removeClient', { client: 'robot' }],
  ['revokeScimToken', { scim_token: 't' }],
  ['removeConnection', { connection: 'corporate' }],
  ['disallowSource', provider],
  ['removeDomain', claim],
  ['endSession', { session: 's' }],
  ['endSessions', { all: 'true' }],
  ['revoke', { kind: 'tenant', why: 'stolen' }],
  ['putRealmSettings', { settings: {} }],
]

const ask = ([name, input]: Asked, by: Actor = ann, of = acme): Promise<unknown> =>
  plane.realms.ask(name, of, input, by)

async function waitsFor(act: () => Promise<unknown>): Promise<string> {
  const error = await act().then(
    () => assert.fail('it was done alone'),
    (failed: unknown) => failed,
  )
  if (error instanceof ApprovalRequired) return error.approval
  throw error
}
const approve = (approval: string) => plane.approvals.decide(approval, true, undefined, bob)

test('every operation that changes something is among those that are tried here', () => {
  const tried = new Set([...OPENING, ...CLOSING].map(([name]) => name))
  const changing = REALM_OPERATION_NAMES.filter((name) => describedOperation(name).act)
  assert.deepEqual([...tried].toSorted(), changing.toSorted())
})

describe('what lets somebody in', () => {
  for (const asked of OPENING) {
    test(`waits for a second person, and is done once: ${JSON.stringify(asked)}`, async () => {
      const before = carriedOut.length
      await assert.rejects(ask(asked, operator('machine')), { code: 'forbidden' })
      const approval = await waitsFor(() => ask(asked))
      assert.equal((await plane.approvals.get(approval)).kind, 'realm-access')
      await approve(approval)
      // What is approved for one tenant is not for another.
      populated.add(beta)
      assert.notEqual(await waitsFor(() => ask(asked, ann, beta)), approval)
      assert.equal(carriedOut.length, before)
      await ask(asked)
      assert.deepEqual(carriedOut.slice(before), [[asked[0], acme]])
      assert.notEqual(await waitsFor(() => ask(asked)), approval)
      assert.equal(carriedOut.length, before + 1)
    })
  }

  test('is not another when it was approved', async () => {
    const first: Asked = ['createUser', { user_name: 'x', email: 'x@acme.example' }]
    await approve(await waitsFor(() => ask(first)))
    await waitsFor(() => ask(['createUser', { user_name: 'x', email: 'x@attacker.test' }]))
    await waitsFor(() => ask(['updateUser', { user: 'x', email: 'x@acme.example' }]))
    await ask(first)
  })

  test('goes on under its approval after identity was away, by the same key and body alone', async () => {
    const bound = (role: string) =>
      withRequestKey('bind', () => ask(['bindRole', { user: 'ana', role }]))
    await approve(await waitsFor(() => bound('nurse')))
    failure = new RingfenceError('engine_unavailable', 'away')
    await assert.rejects(bound('nurse'), { code: 'engine_unavailable' })
    await waitsFor(() => bound('doctor'))
    await waitsFor(() => ask(['bindRole', { user: 'ana', role: 'nurse' }]))
    await bound('nurse')
  })
})

describe('what lets nobody in', () => {
  for (const asked of CLOSING) {
    test(`is done by one person: ${JSON.stringify(asked)}`, async () => {
      const before = carriedOut.length
      await ask(asked)
      assert.deepEqual(carriedOut.slice(before), [[asked[0], acme]])
    })
  }
})

test('who decides sees whom it is about, a viewer does not, and nobody once it is decided', async () => {
  const config = { issuer: 'https://idp.example' }
  const put = { connection: 'c', kind: 'oidc', display_name: 'x', config } as const
  const secret = 'secret-of-the-client'
  const approval = await waitsFor(() => ask(['putConnection', { ...put, client_secret: secret }]))
  const seen = await plane.approvals.get(approval)
  assert.match(wireApproval(seen, bob).summary ?? '', /connection\.put in acme.*idp\.example/)
  for (const reader of [undefined, operator('viewer', ['tenants:read'])]) {
    assert.doesNotMatch(wireApproval(seen, reader).summary ?? '', /idp\.example/)
  }
  assert.ok(!JSON.stringify(seen).includes(secret))
  await approve(approval)
  assert.equal((await plane.approvals.get(approval)).names, undefined)
})

describe('the first user of a tenant that has none', () => {
  const first: Asked = ['createUser', { user_name: 'admin', email: 'admin@gamma.example' }]
  const gamma = tenant('gamma')
  const delta = tenant('delta')

  test('is entered and invited by one person, each once, and gets nothing else so', async () => {
    const made = (await ask(first, ann, gamma)) as { readonly id: string }
    // The realm is empty still, as far as anybody says: the exception is used up all the same.
    await waitsFor(() => ask(['createUser', { user_name: 'second' }], ann, gamma))
    await waitsFor(() => ask(['inviteUser', { user: 'another' }], ann, gamma))
    await ask(['inviteUser', { user: made.id }], ann, gamma)
    await waitsFor(() => ask(['inviteUser', { user: made.id }], ann, gamma))
    await waitsFor(() => ask(['bindRole', { user: made.id, role: 'admin' }], ann, gamma))
    await waitsFor(() => ask(['updateUser', { user: made.id, email: 'e@x.test' }], ann, gamma))
  })

  test('is one, whoever asks at the same moment, whatever was refused or unanswered before', async () => {
    failure = new RingfenceError('invalid_argument', 'no')
    await assert.rejects(ask(first, ann, delta), { code: 'invalid_argument' })
    const keyed = (asked: Asked) => withRequestKey('first', () => ask(asked, ann, delta))
    failure = new RingfenceError('engine_unavailable', 'away')
    await assert.rejects(keyed(first), { code: 'engine_unavailable' })
    await waitsFor(() => keyed(['createUser', { user_name: 'other' }]))
    await waitsFor(() => ask(first, ann, delta))
    await keyed(first)
    populated.delete(beta)
    const results = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => ask(['createUser', { user_name: name }], ann, beta)),
    )
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1)
  })

  test('is none where somebody is already', async () => {
    await waitsFor(() => ask(first))
  })
})
