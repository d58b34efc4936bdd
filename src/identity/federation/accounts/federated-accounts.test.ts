import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { RingfenceError } from '../../../core/errors.ts'
import type { Subject } from '../../../core/names.ts'
import type { Directory } from '../../directory/directory.ts'
import {
  type AccountsSite,
  ISSUER,
  person,
  refusal,
  startAccountsSite,
  verified,
} from './accounts-site.test-support.ts'

let site: AccountsSite
before(async () => {
  site = await startAccountsSite()
})
after(() => site.stop())

test('a person is the same user each time, and another person another user', async () => {
  const to = await site.connection(await site.realm('same'), { provisioning: 'create' })
  const first = await site.accounts.signIn(to, person('u1', { name: 'Ann' }))
  const again = await site.accounts.signIn(to, person('u1', { name: 'Ann Able' }))
  const other = await site.accounts.signIn(to, person('u2'))
  assert.deepEqual([first.isNew, again.isNew, other.isNew], [true, false, true])
  assert.equal(again.subject, first.subject)
  assert.notEqual(other.subject, first.subject)
  const account = await site.base.directory.account(to.tenant, first.subject)
  assert.equal(account?.displayName, 'Ann Able')
})

test("a person of a provider that two realms use is a user of one realm's only", async () => {
  const [a, b] = [await site.realm('both-a'), await site.realm('both-b')]
  const [toA, toB] = [
    await site.connection(a, { provisioning: 'create' }),
    await site.connection(b, { provisioning: 'off' }),
  ]
  const { subject } = await site.accounts.signIn(toA, person('u1', verified('ann@both.example')))
  await assert.rejects(site.accounts.signIn(toB, person('u1')), refusal('not_linked'))
  assert.equal(await site.base.directory.account(b, subject), undefined)
  const inB = await site.accounts.signIn(
    await site.connection(b, { provisioning: 'create' }),
    person('u1', verified('ann@both.example')),
  )
  assert.notEqual(inB.subject, subject)
  const { rows } = await site.base.admin.query(
    `select tenant, subject from identity.federation_link where tenant like 'both-%' order by tenant`,
  )
  assert.deepEqual(rows, [
    { tenant: 'both-a', subject },
    { tenant: 'both-b', subject: inB.subject },
  ])
})

test('a person of one connection is nobody at another, also with the same name there', async () => {
  const tenant = await site.realm('two')
  const one = await site.connection(tenant, { provisioning: 'create' })
  const two = await site.connection(tenant, { provisioning: 'off' }, 'second')
  await site.accounts.signIn(one, person('u1'))
  await assert.rejects(site.accounts.signIn(two, person('u1')), refusal('not_linked'))
})

test('a connection that is pointed at another provider finds nobody', async () => {
  const tenant = await site.realm('moved')
  const to = await site.connection(tenant, { provisioning: 'create' })
  const { subject } = await site.accounts.signIn(to, person('u1'))
  const elsewhere = { ...person('u1'), source: 'https://other.example' }
  const found = await site.accounts.signIn(to, elsewhere)
  assert.notEqual(found.subject, subject)
})

describe('a user that is not active', () => {
  test('is not signed in, not linked and not made active', async () => {
    const tenant = await site.realm('inactive')
    const to = await site.connection(tenant, { provisioning: 'create' })
    await site.prove(tenant, 'corporate', 'inactive.example')
    const { subject } = await site.accounts.signIn(to, person('u1'))
    await site.base.directory.changeAccount(tenant, subject, { active: false })
    await assert.rejects(site.accounts.signIn(to, person('u1')), refusal('account_inactive'))
    const { subject: second } = await site.base.directory.createAccount(tenant, {
      ...{ email: 'bob@inactive.example', emailVerified: true },
      active: false,
    })
    const attempt = site.accounts.signIn(to, person('u2', verified('bob@inactive.example')))
    await assert.rejects(attempt, refusal('account_inactive'))
    for (const one of [subject, second]) {
      assert.equal((await site.base.directory.account(tenant, one))?.active, false)
    }
  })
})

describe('a new user', () => {
  test('has a verified address only when the domain is proven', async () => {
    const tenant = await site.realm('fresh')
    const to = await site.connection(tenant, { provisioning: 'create' })
    const { subject } = await site.accounts.signIn(to, person('u1', verified('ann@fresh.example')))
    assert.equal((await site.base.directory.account(tenant, subject))?.emailVerified, false)
    await site.prove(tenant, 'corporate', 'fresh.example')
    await site.accounts.signIn(to, person('u1', verified('ann@fresh.example')))
    assert.equal((await site.base.directory.account(tenant, subject))?.emailVerified, true)
    await site.accounts.signIn(to, person('u1', verified('ann@elsewhere.example')))
    const moved = await site.base.directory.account(tenant, subject)
    assert.deepEqual([moved?.email, moved?.emailVerified], ['ann@elsewhere.example', false])
  })

  test('does not take a name that is taken; a known one signs in and keeps its own', async () => {
    const tenant = await site.realm('taken')
    const mapping = { userName: { claim: 'preferred_username' }, displayName: { claim: 'name' } }
    const to = await site.connection(tenant, { provisioning: 'create', mapping })
    await site.base.directory.createAccount(tenant, { userName: 'Ann' })
    const asAnn = { preferred_username: 'ann', name: 'Ann B.' }
    await assert.rejects(site.accounts.signIn(to, person('u1', asAnn)), refusal('name_taken'))
    const { subject } = await site.accounts.signIn(to, person('u1', { preferred_username: 'annb' }))
    await site.accounts.signIn(to, person('u1', asAnn))
    const account = await site.base.directory.account(tenant, subject)
    assert.deepEqual([account?.userName, account?.displayName], ['annb', 'Ann B.'])
  })

  test('is one and not two when it signs in many times at once', async () => {
    const to = await site.connection(await site.realm('crowd'), { provisioning: 'create' })
    const all = await Promise.all(
      Array.from({ length: 8 }, () => site.accounts.signIn(to, person('u1', { name: 'Ann' }))),
    )
    assert.equal(new Set(all.map(({ subject }) => subject)).size, 1)
    assert.equal((await site.base.directory.accounts(to.tenant, { offset: 0, limit: 10 })).total, 1)
  })

  test('is the same one when a process is killed before it was linked', async () => {
    const to = await site.connection(await site.realm('killed'), { provisioning: 'create' })
    const { directory } = site.base
    let made: Subject | undefined
    const dying: Directory = Object.assign(Object.create(directory) as Directory, {
      account: directory.account.bind(directory),
      accounts: directory.accounts.bind(directory),
      createAccount: async (...parameters: Parameters<Directory['createAccount']>) => {
        made = (await directory.createAccount(...parameters)).subject
        throw new RingfenceError('engine_unavailable', 'killed')
      },
    })
    await assert.rejects(site.accountsOn(dying).signIn(to, person('u1')), {
      code: 'engine_unavailable',
    })
    assert.ok(made)
    assert.deepEqual(await site.accounts.signIn(to, person('u1')), { subject: made, isNew: true })
  })

  test('comes back after it was removed, as nobody that it was', async () => {
    const tenant = await site.realm('removed')
    const to = await site.connection(tenant, { provisioning: 'create' })
    const { subject } = await site.accounts.signIn(to, person('u1'))
    await site.base.directory.removeAccount(tenant, subject)
    assert.deepEqual(await site.federation.administration.links(tenant, subject), [])
    await assert.rejects(
      site.accounts.signIn(await site.connection(tenant, { provisioning: 'off' }), person('u1')),
      refusal('not_linked'),
    )
  })
})

test('links are listed for a user, of its realm alone', async () => {
  const [tenant, other] = [await site.realm('listed'), await site.realm('listed-2')]
  const to = await site.connection(tenant, { provisioning: 'create' })
  const { subject } = await site.accounts.signIn(to, person('u1'))
  const [link] = await site.federation.administration.links(tenant, subject)
  assert.deepEqual(
    [link?.connection, link?.source, link?.externalSubject],
    ['corporate', ISSUER, 'u1'],
  )
  assert.deepEqual(await site.federation.administration.links(other, subject), [])
})
