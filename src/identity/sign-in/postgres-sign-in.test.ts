import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Account } from '../directory/directory.ts'
import type { Attempt, StepOutcome } from './sign-in.ts'
import {
  NEW_PASSWORD,
  PASSWORD,
  type SignInSite,
  startSignInSite,
} from './sign-in-site.test-support.ts'

let site: SignInSite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
after(() => site.stop())

const REFUSED: StepOutcome = { kind: 'refused' }
const passed = (kind: string) => ({ kind: 'passed', next: { kind } })
const codeAt = (secret: string, steps = 0) => site.codeOf(secret, steps)

/** Gives the user a second factor. */
async function withTotp(account: Account, tenant: TenantId) {
  const { security } = site.services
  const holder = site.session(account, tenant)
  const enrolment = await security.enrolTotp(holder)
  assert.ok(enrolment.kind === 'enrolment')
  const enrolled = await security.confirmTotp(holder, codeAt(enrolment.secret, -1))
  assert.ok(enrolled.kind === 'enrolled')
  return { secret: enrolment.secret, codes: enrolled.recoveryCodes ?? [] }
}

test('a good password is a sign-in of one factor, and it ends once', async () => {
  const { signIn } = site.services
  const ana = await site.person(acme, 'Ana')
  const attempt = site.attempt(acme)
  assert.deepEqual(await signIn.begin(attempt), { kind: 'identify' })
  assert.equal(await signIn.finish(attempt), undefined)
  assert.deepEqual(await signIn.password(attempt, 'ＡＮＡ', PASSWORD), passed('done'))
  const ends = await Promise.all([signIn.finish(attempt), signIn.finish(attempt)])
  const [end] = ends.filter((one) => one !== undefined)
  assert.equal(ends.filter((one) => one !== undefined).length, 1)
  assert.equal(end?.subject, ana.subject)
  assert.equal(end?.acr, 'urn:ringfence:acr:1')
  assert.deepEqual(end?.amr, ['pwd'])
})

test('whoever is not let in costs the same hashes and hears the same', async () => {
  const { signIn } = site.services
  await site.person(acme, 'wrong')
  const inactive = await site.person(acme, 'inactive')
  await site.directory.changeAccount(acme, inactive.subject, { active: false })
  await site.directory.createAccount(acme, { userName: 'no-password' })
  await site.person(blue, 'only-blue')
  const tries: readonly (readonly [name: string, password: string])[] = [
    ['wrong', 'not-the-password'],
    ['nobody', PASSWORD],
    ['inactive', PASSWORD],
    ['no-password', PASSWORD],
    ['only-blue', PASSWORD],
    ['\u202ehidden', PASSWORD],
    ['nul\0', PASSWORD],
    ['', PASSWORD],
    ['x'.repeat(100_000), PASSWORD],
  ]
  for (const [name, password] of tries) {
    const attempt = site.attempt(acme)
    await signIn.begin(attempt)
    const before = site.queue.hashes
    assert.deepEqual(await signIn.password(attempt, name, password), REFUSED, name.slice(0, 20))
    assert.equal(site.queue.hashes - before, 1, name.slice(0, 20))
  }
})

test('an attempt of one realm is nothing in another, whatever it is called', async () => {
  const { signIn } = site.services
  await site.person(acme, 'gil')
  const attempt = await site.signInOf(acme, 'gil')
  const stolen: Attempt = { ...attempt, tenant: blue }
  assert.deepEqual(await signIn.begin(stolen), { kind: 'identify' })
  assert.equal(await signIn.finish(stolen), undefined)
  assert.ok(await signIn.finish(attempt))
})

test('who has a second factor is asked for it, and a code counts once', async () => {
  const { signIn } = site.services
  const { secret } = await withTotp(await site.person(acme, 'hana'), acme)
  const first = await site.signInOf(acme, 'hana')
  assert.deepEqual(await signIn.begin(first), {
    kind: 'second_factor',
    factors: ['totp', 'recovery_code'],
  })
  assert.equal(await signIn.finish(first), undefined)
  const code = codeAt(secret)
  assert.deepEqual(await signIn.totp(first, code), passed('done'))
  const end = await signIn.finish(first)
  assert.equal(end?.acr, 'urn:ringfence:acr:2')
  assert.deepEqual(end?.amr, ['mfa', 'otp', 'pwd'])
  const second = await site.signInOf(acme, 'hana')
  assert.deepEqual(await signIn.totp(second, code), REFUSED, 'replayed')
  assert.deepEqual(await signIn.totp(second, codeAt(secret, -1)), REFUSED, 'an earlier one')
  assert.deepEqual(await signIn.totp(second, codeAt(secret, 5)), REFUSED, 'one of the far future')
  assert.deepEqual(await signIn.totp(second, codeAt(secret, 1)), passed('done'))
})

test('of two who bring one code at once, one gets in', async () => {
  const { signIn } = site.services
  const { secret, codes } = await withTotp(await site.person(acme, 'ines'), acme)
  const race = async (enter: (attempt: Attempt) => Promise<StepOutcome>) => {
    const attempts = await Promise.all([1, 2, 3].map(() => site.signInOf(acme, 'ines')))
    const outcomes = await Promise.all(attempts.map(enter))
    return outcomes.filter(({ kind }) => kind === 'passed').length
  }
  const code = codeAt(secret)
  assert.equal(await race((attempt) => signIn.totp(attempt, code)), 1)
  assert.equal(await race((attempt) => signIn.recoveryCode(attempt, codes[0] ?? '')), 1)
})

test('a recovery code is good once, for its owner, however it is typed', async () => {
  const { signIn } = site.services
  const jon = await site.person(acme, 'jon')
  const { codes } = await withTotp(jon, acme)
  const { codes: others } = await withTotp(await site.person(blue, 'jon'), blue)
  assert.equal(codes.length, 10)
  const [code = '', next = ''] = codes
  const attempt = await site.signInOf(acme, 'jon')
  assert.deepEqual(await signIn.recoveryCode(attempt, others[0] ?? ''), REFUSED)
  const typed = ` ${code.toLowerCase().replaceAll('-', ' ').replaceAll('1', 'l')} `
  assert.deepEqual(await signIn.recoveryCode(attempt, typed), passed('done'))
  const again = await site.signInOf(acme, 'jon')
  assert.deepEqual(await signIn.recoveryCode(again, code), REFUSED)
  assert.deepEqual(await signIn.recoveryCode(again, next), passed('done'))
  assert.equal((await site.services.security.factors(acme, jon.subject))?.recoveryCodes, 8)
})

test('no second factor is taken before the first, or after another user was named', async () => {
  const { signIn } = site.services
  const { secret } = await withTotp(await site.person(acme, 'kim'), acme)
  await site.person(acme, 'lea')
  const attempt = site.attempt(acme)
  await signIn.begin(attempt)
  assert.deepEqual(await signIn.totp(attempt, codeAt(secret)), REFUSED)
  assert.deepEqual(await signIn.password(attempt, 'kim', PASSWORD), {
    kind: 'passed',
    next: { kind: 'second_factor', factors: ['totp', 'recovery_code'] },
  })
  assert.deepEqual(await signIn.password(attempt, 'lea', PASSWORD), passed('done'))
  assert.deepEqual(await signIn.totp(attempt, codeAt(secret)), REFUSED)
  assert.deepEqual((await signIn.finish(attempt))?.amr, ['pwd'])
})

test('what the client demands is asked for, and who has nothing to show sets it up first', async () => {
  const { signIn, security } = site.services
  await site.person(acme, 'mia')
  const attempt = site.attempt(acme)
  await signIn.begin(attempt, { acr: 'urn:ringfence:acr:2' })
  assert.deepEqual(await signIn.password(attempt, 'mia', PASSWORD), {
    kind: 'passed',
    next: { kind: 'enrol', factors: ['passkey', 'totp'] },
  })
  const holder = { by: 'attempt', attempt } as const
  const enrolment = await security.enrolTotp(holder)
  assert.ok(enrolment.kind === 'enrolment')
  assert.deepEqual(await security.confirmTotp(holder, '000000'), REFUSED)
  const enrolled = await security.confirmTotp(holder, codeAt(enrolment.secret))
  assert.ok(enrolled.kind === 'enrolled' && enrolled.recoveryCodes?.length === 10)
  assert.equal((await signIn.finish(attempt))?.acr, 'urn:ringfence:acr:2')
})

test('a password alone sets up no second factor where there is one already', async () => {
  const { security } = site.services
  await withTotp(await site.person(acme, 'noa'), acme)
  const holder = { by: 'attempt', attempt: await site.signInOf(acme, 'noa') } as const
  assert.deepEqual(await security.enrolTotp(holder), REFUSED)
  assert.deepEqual(await security.passkeyRegistrationOptions(holder), REFUSED)
  assert.deepEqual(await security.removeTotp(holder), REFUSED)
  assert.deepEqual(await security.newRecoveryCodes(holder), REFUSED)
})

test('an attempt that was not asked to set up a factor sets up none', async () => {
  const { security, passwords } = site.services
  await site.person(acme, 'nils')
  const done = { by: 'attempt', attempt: await site.signInOf(acme, 'nils') } as const
  assert.deepEqual(await security.enrolTotp(done), REFUSED)
  const olga = await site.person(acme, 'olga')
  await passwords.setFirst(acme, olga.subject, NEW_PASSWORD)
  const first = await site.signInOf(acme, 'olga', NEW_PASSWORD)
  const changing = { by: 'attempt', attempt: first } as const
  assert.equal((await site.services.signIn.begin(first)).kind, 'change_password')
  assert.deepEqual(await security.enrolTotp(changing), REFUSED)
  assert.deepEqual(await security.passkeyRegistrationOptions(changing), REFUSED)
  const begun = site.attempt(acme)
  await site.services.signIn.begin(begun)
  assert.deepEqual(await security.enrolTotp({ by: 'attempt', attempt: begun }), REFUSED)
})

test('where the policy demands two factors nobody gets in with one', async () => {
  const strict = await site.realm('strict')
  await site.admin.query(`update identity.realm set settings = '{"mfa":"required"}'
    where tenant = 'strict'`)
  await site.person(strict, 'oda')
  const attempt = await site.signInOf(strict, 'oda')
  assert.equal((await site.services.signIn.begin(attempt)).kind, 'enrol')
  assert.equal(await site.services.signIn.finish(attempt), undefined)
})

test('a session is made surer by what is missing, for its own user alone', async () => {
  const { signIn } = site.services
  const pia = await site.person(acme, 'pia')
  const { secret } = await withTotp(pia, acme)
  await site.person(acme, 'rob')
  const attempt = site.attempt(acme)
  const known = { subject: pia.subject, amr: ['pwd'], signedInAt: new Date(0) }
  const demand = { acr: 'urn:ringfence:acr:2', known, only: pia.subject } as const
  assert.equal((await signIn.begin(attempt, demand)).kind, 'second_factor')
  assert.deepEqual(await signIn.password(attempt, 'rob', PASSWORD), REFUSED)
  assert.deepEqual(await signIn.federated(attempt, parseSubject('nobody'), ['mfa']), REFUSED)
  assert.deepEqual(await signIn.totp(attempt, codeAt(secret)), passed('done'))
  const end = await signIn.finish(attempt)
  assert.equal(end?.subject, pia.subject)
  assert.ok(end !== undefined && end.signedInAt.getTime() > 0)
})

test('a session of a user that is no more, or of another realm, is none', async () => {
  const { signIn } = site.services
  const stranger = await site.person(blue, 'sue')
  const attempt = site.attempt(acme)
  const known = { subject: stranger.subject, amr: ['mfa'], signedInAt: new Date() }
  assert.deepEqual(await signIn.begin(attempt, { known }), { kind: 'identify' })
  assert.equal(await signIn.finish(attempt), undefined)
})

test('a user made inactive between two steps does not get in', async () => {
  const { signIn } = site.services
  const tom = await site.person(acme, 'tom')
  const attempt = await site.signInOf(acme, 'tom')
  await site.directory.changeAccount(acme, tom.subject, { active: false })
  assert.deepEqual(await signIn.begin(attempt), { kind: 'identify' })
  assert.equal(await signIn.finish(attempt), undefined)
  const federated = site.attempt(acme)
  await signIn.begin(federated)
  assert.deepEqual(await signIn.federated(federated, tom.subject, ['mfa']), REFUSED)
})

test('a first password is replaced before anything else, and only after the second factor', async () => {
  const { signIn, passwords } = site.services
  const uma = await site.person(acme, 'uma')
  const { secret } = await withTotp(uma, acme)
  await passwords.setFirst(acme, uma.subject, NEW_PASSWORD)
  const attempt = await site.signInOf(acme, 'uma', NEW_PASSWORD)
  assert.equal((await signIn.begin(attempt)).kind, 'second_factor')
  assert.deepEqual(await signIn.replacePassword(attempt, 'orchid-thunder-58-maple'), REFUSED)
  assert.deepEqual(await signIn.totp(attempt, codeAt(secret)), passed('change_password'))
  assert.equal(await signIn.finish(attempt), undefined)
  assert.deepEqual(await signIn.replacePassword(attempt, NEW_PASSWORD), {
    kind: 'weak',
    problem: 'used_before',
  })
  assert.deepEqual(await signIn.replacePassword(attempt, 'orchid-thunder-58-maple'), {
    kind: 'changed',
  })
  assert.deepEqual((await signIn.finish(attempt))?.amr, ['mfa', 'otp', 'pwd'])
})

test('a changed password ends what the old one had begun', async () => {
  const { signIn, security } = site.services
  const vic = await site.person(acme, 'vic')
  const begun = await site.signInOf(acme, 'vic')
  const caller = site.attempt(acme)
  const holder = site.session(vic, acme)
  assert.deepEqual(await security.changePassword(holder, caller, 'no', NEW_PASSWORD), REFUSED)
  assert.deepEqual(await security.changePassword(holder, caller, PASSWORD, NEW_PASSWORD), {
    kind: 'changed',
  })
  assert.equal(await signIn.finish(begun), undefined)
  assert.ok(await signIn.finish(await site.signInOf(acme, 'vic', NEW_PASSWORD)))
})

test('what an identity provider says of two factors counts, and what is not said does not', async () => {
  const { signIn } = site.services
  const wim = await site.directory.createAccount(acme, { userName: 'wim' })
  const attempt = site.attempt(acme)
  await signIn.begin(attempt, { acr: 'urn:ringfence:acr:2' })
  const weak = await signIn.federated(attempt, wim.subject, ['pwd', 'not a method!'])
  assert.deepEqual(weak, { kind: 'passed', next: { kind: 'enrol', factors: ['passkey', 'totp'] } })
  assert.deepEqual(await signIn.federated(attempt, wim.subject, ['pwd', 'mfa']), passed('done'))
  assert.deepEqual((await signIn.finish(attempt))?.amr, ['mfa', 'pwd'])
})
