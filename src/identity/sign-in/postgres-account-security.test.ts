import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import { makeWaitsLong } from './limits/long-waits.test-support.ts'
import type { Account } from '../directory/directory.ts'
import {
  NEW_PASSWORD,
  PASSWORD,
  type SignInSite,
  startSignInSite,
} from './sign-in-site.test-support.ts'

const REFUSED = { kind: 'refused' }
const AGAIN = { kind: 'sign_in_again' }

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

async function enrol(account: Account, tenant = acme): Promise<string> {
  const { security } = site.services
  const holder = site.session(account, tenant)
  const enrolment = await security.enrolTotp(holder)
  assert.ok(enrolment.kind === 'enrolment')
  assert.equal((await security.confirmTotp(holder, site.codeOf(enrolment.secret))).kind, 'enrolled')
  return enrolment.secret
}

test('factors are changed by a fresh session that is as sure as the account can be', async () => {
  const { security } = site.services
  const ana = await site.person(acme, 'ana')
  const old = { ...site.session(ana, acme), signedInAt: new Date(site.clock.now - 3_600_000) }
  assert.deepEqual(await security.enrolTotp(old), AGAIN)
  assert.deepEqual(await security.passkeyRegistrationOptions(old), AGAIN)
  await enrol(ana)
  const weak = site.session(ana, acme)
  assert.deepEqual(await security.removeTotp(weak), AGAIN)
  assert.deepEqual(await security.newRecoveryCodes(weak), AGAIN)
  const caller = site.attempt(acme)
  assert.deepEqual(await security.changePassword(weak, caller, PASSWORD, NEW_PASSWORD), AGAIN)
  const codes = await security.newRecoveryCodes(site.session(ana, acme, 2))
  assert.ok(codes.kind === 'codes' && new Set(codes.codes).size === 10)
  assert.deepEqual(await security.removeTotp(site.session(ana, acme, 2)), { kind: 'removed' })
  const factors = await security.factors(acme, ana.subject)
  assert.equal(factors?.recoveryCodes, 0, 'codes alone would be a second factor of their own')
})

test('an enrolment is in force only when it was confirmed, and another cannot replace it', async () => {
  const { security } = site.services
  const bea = await site.person(acme, 'bea')
  const holder = site.session(bea, acme)
  const [first, second] = [await security.enrolTotp(holder), await security.enrolTotp(holder)]
  assert.ok(first.kind === 'enrolment' && second.kind === 'enrolment')
  assert.match(second.uri, /^otpauth:\/\/totp\//)
  const attempt = await site.signInOf(acme, 'bea')
  assert.equal((await site.services.signIn.begin(attempt)).kind, 'done')
  assert.deepEqual(await security.confirmTotp(holder, site.codeOf(first.secret)), REFUSED)
  assert.equal((await security.confirmTotp(holder, site.codeOf(second.secret))).kind, 'enrolled')
  assert.deepEqual(await security.confirmTotp(holder, site.codeOf(second.secret, 1)), AGAIN)
  assert.deepEqual(await security.enrolTotp(site.session(bea, acme, 2)), REFUSED)
})

test('a secret moved to another user or realm opens nothing', async () => {
  const { signIn } = site.services
  const cleo = await site.person(acme, 'cleo')
  const dora = await site.person(acme, 'dora')
  const secret = await enrol(cleo)
  await enrol(dora)
  await site.admin.query(
    `update identity.totp t set sealed = s.sealed, last_step = 0 from identity.totp s
     where t.tenant = 'acme' and t.subject = $1 and s.tenant = 'acme' and s.subject = $2`,
    [dora.subject, cleo.subject],
  )
  const attempt = await site.signInOf(acme, 'dora')
  await assert.rejects(signIn.totp(attempt, site.codeOf(secret)), { code: 'internal' })
  assert.equal(await signIn.finish(attempt), undefined)
})

test('the last second factor stays where the policy demands one', async () => {
  const { security } = site.services
  const strict = await site.realm('strict')
  await site.admin.query(
    `update identity.realm set settings = '{"mfa":"required"}' where tenant = 'strict'`,
  )
  const eve = await site.person(strict, 'eve')
  await enrol(eve, strict)
  const holder = site.session(eve, strict, 2)
  assert.deepEqual(await security.removeTotp(holder), REFUSED)
  const factors = await security.factors(strict, eve.subject)
  assert.ok(factors?.totpSince !== undefined && factors.secondFactorRequired)
  assert.equal(factors.recoveryCodes, 10)
})

test('a session of another realm, or of a user made inactive, changes nothing', async () => {
  const { security } = site.services
  const finn = await site.person(acme, 'finn')
  const caller = site.attempt(acme)
  const elsewhere = site.session(finn, blue)
  assert.deepEqual(await security.enrolTotp(elsewhere), REFUSED)
  assert.deepEqual(
    await security.changePassword(elsewhere, caller, PASSWORD, NEW_PASSWORD),
    REFUSED,
  )
  assert.equal(await security.factors(blue, finn.subject), undefined)
  await site.directory.changeAccount(acme, finn.subject, { active: false })
  assert.deepEqual(await security.enrolTotp(site.session(finn, acme)), REFUSED)
  assert.equal(await security.factors(acme, finn.subject), undefined)
})

test('the last three passwords are not taken again, and the one before them is', async () => {
  const { security } = site.services
  const gil = await site.person(acme, 'gil')
  const holder = site.session(gil, acme)
  const words = ['copper-lantern-31-reef', 'orchid-thunder-58-maple', 'silver-walnut-77-moss']
  let current = PASSWORD
  const change = async (next: string) => {
    const outcome = await security.changePassword(holder, site.attempt(acme), current, next)
    if (outcome.kind === 'changed') current = next
    return outcome
  }
  const used = { kind: 'weak', problem: 'used_before' }
  assert.deepEqual(await change(PASSWORD), used)
  for (const word of words.slice(0, 2)) assert.deepEqual(await change(word), { kind: 'changed' })
  assert.deepEqual(await change(PASSWORD), used)
  assert.deepEqual(await change(words[2] ?? ''), { kind: 'changed' })
  assert.deepEqual(await change(PASSWORD), { kind: 'changed' })
})

test('guesses at the current password of a session are slowed down', async () => {
  const { security } = site.services
  const hana = await site.person(acme, 'hana')
  const caller = site.attempt(acme)
  const kinds: string[] = []
  for (let n = 0; n < 9; n++) {
    const holder = site.session(hana, acme)
    kinds.push((await security.changePassword(holder, caller, 'wrong', NEW_PASSWORD)).kind)
  }
  assert.ok(kinds.includes('wait'))
})

test('an administrator takes lost factors away, which ends what was issued', async () => {
  const ines = await site.person(acme, 'ines')
  await enrol(ines)
  const before = (await site.published()).length
  await site.services.passwords.resetSecondFactors(acme, ines.subject)
  assert.equal((await site.published()).length, before + 1)
  const attempt = await site.signInOf(acme, 'ines')
  assert.equal((await site.services.signIn.begin(attempt)).kind, 'done')
  await assert.rejects(site.services.passwords.resetSecondFactors(blue, ines.subject), {
    code: 'not_found',
  })
})

test('a password hashed more cheaply than today is hashed anew by its next use', async () => {
  const jon = await site.person(acme, 'jon')
  const cheaper = await site.admin.query<{ hash: string }>(
    `update identity.password set hash = $2 where subject = $1 returning hash`,
    [
      jon.subject,
      // "password" of the reference implementation's own tests.
      '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc',
    ],
  )
  assert.equal(cheaper.rowCount, 1)
  const attempt = await site.signInOf(acme, 'jon', 'password')
  assert.equal((await site.services.signIn.begin(attempt)).kind, 'done')
  const { rows } = await site.admin.query<{ hash: string }>(
    'select hash from identity.password where subject = $1',
    [jon.subject],
  )
  assert.match(rows[0]?.hash ?? '', /m=64,t=1/)
})

test('a sweep forgets what is past', async () => {
  await site.signInOf(acme, 'jon', 'password')
  await site.admin.query(`update identity.sign_in_attempt set expires_at = now()`)
  await site.services.maintain()
  const { rows } = await site.admin.query('select from identity.sign_in_attempt')
  assert.equal(rows.length, 0)
})
