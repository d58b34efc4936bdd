import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import type { Caller } from '../sign-in.ts'
import { PASSWORD, type SignInSite, startSignInSite } from '../sign-in-site.test-support.ts'
import { makeWaitsLong } from './long-waits.test-support.ts'
import { RULES } from './throttle.ts'

let site: SignInSite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
  await makeWaitsLong(site.admin)
})
after(() => site.stop())

async function tryOnce(
  tenant: TenantId,
  name: string,
  password: string,
  from: Partial<Caller> = {},
) {
  const attempt = site.attempt(tenant, from)
  await site.services.signIn.begin(attempt)
  const outcome = await site.services.signIn.password(attempt, name, password)
  return { attempt, kind: outcome.kind }
}

/** Guesses, each time from another network, until nobody unknown is let near the account. */
async function attack(tenant: TenantId, name: string): Promise<void> {
  for (let n = 0; n <= RULES.account.free + 1; n++) await tryOnce(tenant, name, 'a wrong guess')
  assert.equal((await tryOnce(tenant, name, 'a wrong guess')).kind, 'wait')
}

test('guesses from one network are slowed down, and a good password does not help while they are', async () => {
  await site.person(acme, 'ana')
  const from = { address: '203.0.113.5' }
  const kinds: string[] = []
  for (let n = 0; n < 10; n++) kinds.push((await tryOnce(acme, 'ana', 'wrong', from)).kind)
  assert.equal(kinds.filter((kind) => kind === 'refused').length, RULES.pair.free + 1)
  const neighbour = { address: '203.0.113.99' }
  assert.equal((await tryOnce(acme, 'ana', PASSWORD, neighbour)).kind, 'wait')
  assert.equal((await tryOnce(acme, 'ana', PASSWORD)).kind, 'passed', 'from elsewhere')
})

test('a slowed-down guess costs no hash', async () => {
  await site.person(acme, 'bea')
  const from = { address: '203.0.114.5' }
  for (let n = 0; n < 7; n++) await tryOnce(acme, 'bea', 'wrong', from)
  const before = site.queue.hashes
  assert.equal((await tryOnce(acme, 'bea', 'wrong', from)).kind, 'wait')
  assert.equal(site.queue.hashes, before)
})

test('strangers cannot lock the owner out of a device that was used before', async () => {
  await site.person(acme, 'cleo')
  const { attempt } = await tryOnce(acme, 'cleo', PASSWORD)
  const device = (await site.services.signIn.finish(attempt))?.device
  assert.ok(device !== undefined)
  await attack(acme, 'cleo')
  assert.equal((await tryOnce(acme, 'cleo', PASSWORD)).kind, 'wait', 'a device that is not known')
  assert.equal((await tryOnce(acme, 'cleo', PASSWORD, { device })).kind, 'passed')
})

test('an attack at one realm keeps nobody of another waiting, not even a user of the same name', async () => {
  await site.person(acme, 'dora')
  await site.person(blue, 'dora')
  await attack(acme, 'dora')
  const from = { address: '203.0.115.5' }
  for (let n = 0; n < RULES.address.free + 5; n++) await tryOnce(acme, `nobody-${n}`, 'wrong', from)
  assert.equal((await tryOnce(acme, 'somebody', 'wrong', from)).kind, 'wait')
  assert.equal((await tryOnce(blue, 'dora', PASSWORD, from)).kind, 'passed')
})

test('a name that nobody has is slowed down as one that somebody has', async () => {
  await site.person(acme, 'eve')
  const kindsOf = async (name: string, address: string) => {
    const kinds: string[] = []
    for (let n = 0; n < 9; n++) kinds.push((await tryOnce(acme, name, 'wrong', { address })).kind)
    return kinds
  }
  assert.deepEqual(await kindsOf('eve', '203.0.116.1'), await kindsOf('not-eve', '203.0.117.1'))
})

test('a device cookie opens nothing for other users, is slowed down itself, and is renewed', async () => {
  await site.person(acme, 'finn')
  await site.person(acme, 'gil')
  const first = await tryOnce(acme, 'finn', PASSWORD)
  const device = (await site.services.signIn.finish(first.attempt))?.device ?? ''
  await attack(acme, 'gil')
  assert.equal((await tryOnce(acme, 'gil', PASSWORD, { device })).kind, 'wait')
  assert.equal((await tryOnce(blue, 'finn', PASSWORD, { device })).kind, 'refused')
  const again = await tryOnce(acme, 'finn', PASSWORD, { device })
  const renewed = (await site.services.signIn.finish({ ...again.attempt, device }))?.device ?? ''
  assert.notEqual(renewed, device)
  await attack(acme, 'finn')
  assert.equal((await tryOnce(acme, 'finn', PASSWORD, { device })).kind, 'wait', 'the old cookie')
  const kinds: string[] = []
  for (let n = 0; n < 15; n++) {
    kinds.push((await tryOnce(acme, 'finn', 'wrong', { device: renewed })).kind)
  }
  assert.equal(kinds.filter((kind) => kind === 'refused').length, RULES.device.free + 1)
})

test('a cookie that somebody planted is not known after the user signed in with it', async () => {
  await site.person(acme, 'hana')
  const planted = `rfd_${'A'.repeat(43)}`
  const { attempt } = await tryOnce(acme, 'hana', PASSWORD, { device: planted })
  assert.ok(await site.services.signIn.finish({ ...attempt, device: planted }))
  await attack(acme, 'hana')
  assert.equal((await tryOnce(acme, 'hana', PASSWORD, { device: planted })).kind, 'wait')
})

test('second factors are guessed no faster than passwords', async () => {
  const { signIn, security } = site.services
  const ines = await site.person(acme, 'ines')
  const holder = site.session(ines, acme)
  const enrolment = await security.enrolTotp(holder)
  assert.ok(enrolment.kind === 'enrolment')
  await security.confirmTotp(holder, site.codeOf(enrolment.secret))
  const kinds: string[] = []
  for (let n = 0; n < 9; n++) {
    const attempt = await site.signInOf(acme, 'ines')
    kinds.push((await signIn.totp(attempt, '000000')).kind)
    const code = await signIn.recoveryCode(attempt, 'AAAA-AAAA-AAAA-AAAA')
    kinds.push(code.kind)
  }
  assert.equal(kinds.filter((kind) => kind === 'refused').length, RULES.second.free + 1)
})
