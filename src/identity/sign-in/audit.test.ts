import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import { enteredIn, withFullInbox } from '../entered.test-support.ts'
import {
  NEW_PASSWORD,
  PASSWORD,
  type SignInSite,
  startSignInSite,
} from './sign-in-site.test-support.ts'

let site: SignInSite
let acme: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
})
after(() => site.stop())

const entries = async () => (await enteredIn(site.admin)).filter(({ tenant }) => tenant === acme)
async function made(work: () => Promise<unknown>) {
  const before = (await entries()).length
  await work()
  return (await entries()).slice(before)
}

test('a sign-in is entered when it is finished, once, with how sure it is', async () => {
  const { signIn } = site.services
  const ana = await site.person(acme, 'ana')
  const own = await made(async () => {
    const attempt = await site.signInOf(acme, 'ana')
    await Promise.all([signIn.finish(attempt), signIn.finish(attempt)])
  })
  assert.deepEqual(
    own.map(({ action }) => action),
    ['user.signed-in'],
  )
  assert.deepEqual(own[0]?.actor, { kind: 'user', id: ana.subject })
  assert.equal(own[0].detail?.['acr'], 'urn:ringfence:acr:1')
})

test('a sign-in that fails rolls back what it did, and is entered, whether the user is there or not', async () => {
  const { signIn } = site.services
  const bob = await site.person(acme, 'bob')
  const own = await made(async () => {
    for (const name of ['bob', 'nobody']) {
      const attempt = site.attempt(acme)
      await signIn.begin(attempt)
      assert.deepEqual(await signIn.password(attempt, name, 'wrong-wrong-wrong'), {
        kind: 'refused',
      })
    }
  })
  assert.equal(own.length, 2)
  for (const entry of own) {
    assert.equal(entry.action, 'user.sign-in-failed')
    assert.equal(entry.decision, 'failed')
    // What was typed as a name may be a password.
    assert.doesNotMatch(JSON.stringify(entry), /nobody|wrong/)
  }
  assert.equal(own[0]?.object?.id, bob.subject)
  assert.equal(own[1]?.object, undefined)
})

test('a second factor is entered when it is enrolled, when it fails, and when it is taken away', async () => {
  const { signIn, security } = site.services
  const cleo = await site.person(acme, 'cleo')
  const holder = site.session(cleo, acme, 2)
  const own = await made(async () => {
    const enrolment = await security.enrolTotp(site.session(cleo, acme))
    assert.ok(enrolment.kind === 'enrolment')
    await security.confirmTotp(site.session(cleo, acme), site.codeOf(enrolment.secret, -1))
    const attempt = await site.signInOf(acme, 'cleo')
    assert.deepEqual(await signIn.totp(attempt, '000000'), { kind: 'refused' })
    assert.deepEqual(await security.removeTotp(holder), { kind: 'removed' })
  })
  assert.deepEqual(
    own.map(({ action }) => action),
    ['totp.enrolled', 'user.sign-in-failed', 'totp.removed'],
  )
  assert.equal(own[1]?.reason, 'totp')
})

test('a password that is changed is entered, without it; a wrong one before, too', async () => {
  const { security } = site.services
  const dora = await site.person(acme, 'dora')
  const holder = site.session(dora, acme)
  const own = await made(async () => {
    const change = (current: string) =>
      security.changePassword(holder, site.attempt(acme), current, NEW_PASSWORD)
    await change('wrong')
    assert.deepEqual(await change(PASSWORD), { kind: 'changed' })
  })
  assert.deepEqual(
    own.map(({ action }) => action),
    ['password.refused', 'password.changed'],
  )
  assert.doesNotMatch(JSON.stringify(own), new RegExp(`${PASSWORD}|${NEW_PASSWORD}`))
})

test('users and groups that change are entered by what changed, not by what was written', async () => {
  const own = await made(async () => {
    const eve = await site.directory.createAccount(acme, {
      userName: 'eve',
      email: 'eve@acme.test',
    })
    await site.directory.changeAccount(acme, eve.subject, { displayName: 'Eve Adams' })
    const group = await site.directory.createGroup(acme, { displayName: 'nurses' })
    await site.directory.changeGroup(acme, group.id, { members: [eve.subject] })
    await site.directory.removeGroup(acme, group.id)
    await site.directory.removeAccount(acme, eve.subject)
  })
  const actions = own.map(({ action }) => action)
  const wanted = ['user.created', 'user.changed', 'group.created', 'group.changed', 'group.removed']
  assert.deepEqual(actions.slice(0, 5), wanted)
  assert.ok(actions.includes('user.removed'))
  assert.doesNotMatch(JSON.stringify(own), /eve@acme|Adams|nurses/)
})

test('while nothing can be entered nobody signs in, and nothing about users changes', async () => {
  const { signIn, security } = site.services
  const fay = await site.person(acme, 'fay')
  const attempt = await site.signInOf(acme, 'fay')
  await withFullInbox(site.admin, async () => {
    await assert.rejects(signIn.finish(attempt))
    await assert.rejects(signIn.password(await begun(), 'fay', 'wrong-wrong-wrong'))
    await assert.rejects(site.directory.removeAccount(acme, fay.subject))
    await assert.rejects(
      security.changePassword(site.session(fay, acme), site.attempt(acme), PASSWORD, NEW_PASSWORD),
    )
  })
  assert.equal((await site.directory.account(acme, fay.subject))?.active, true)
  assert.equal((await signIn.finish(attempt))?.subject, fay.subject)
})

async function begun() {
  const attempt = site.attempt(acme)
  await site.services.signIn.begin(attempt)
  return attempt
}
