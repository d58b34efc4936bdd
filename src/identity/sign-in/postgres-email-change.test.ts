import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import type { Account } from '../directory/directory.ts'
import type { Mail } from '../mail/mail.ts'
import { NEW_PASSWORD, type SignInSite, startSignInSite } from './sign-in-site.test-support.ts'

const GONE = { kind: 'gone' }
const ASKED = { kind: 'asked' }

let site: SignInSite
let acme: TenantId
let blue: TenantId
let ana: Account
let people = 0
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
after(() => site.stop())
beforeEach(async () => {
  people += 1
  const name = `ana-${people}`
  ana = await site.person(acme, name, {
    displayName: 'Ana',
    email: `${name}@old.example`,
    emailVerified: true,
  })
  site.mails.length = 0
})

const change = () => site.services.emailChange
const addressOf = async ({ subject }: Account) => {
  const account = await site.directory.account(acme, subject)
  return `${account?.email} ${account?.emailVerified}`
}
const unchanged = () => `${ana.email} true`

/** All mail that is to be sent is sent. */
async function settled(): Promise<void> {
  for (;;) {
    const { rows } = await site.admin.query('select from identity.mail limit 1')
    if (rows.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Asks, and takes the link out of the mail to the new address. */
async function asked(email: string, account = ana): Promise<string> {
  assert.deepEqual(await change().request(site.session(account, acme), email), ASKED)
  await settled()
  return linkOf(mailTo(email))
}
const linkOf = (mail: Mail | undefined) =>
  /\/link\/(rfe_[\w-]{43})\s/.exec(mail?.text ?? '')?.[1] ?? ''
const mailTo = (email: string) => site.mails.findLast(({ to }) => to === email)

test('an address is the account’s when whoever reads its mail says so, and the old one is told', async () => {
  const link = await asked('ana@new.example')
  assert.deepEqual(
    site.mails.map(({ to, subject }) => `${to}: ${subject.split(' –')[0]}`).toSorted(),
    [`${ana.email}: Another address for your account`, 'ana@new.example: Confirm your new address'],
  )
  // What the old address is told leads nowhere, and does not name the new one.
  assert.doesNotMatch(mailTo(String(ana.email))?.text ?? '', /https?:|new\.example/)
  assert.equal(await addressOf(ana), unchanged())
  assert.deepEqual(await change().open(acme, link), { name: 'Ana' })
  assert.deepEqual(await change().state(acme, ana.subject), {
    mayChange: true,
    pending: 'ana@new.example',
  })
  assert.deepEqual(await change().confirm(acme, link), { kind: 'changed' })
  assert.equal(await addressOf(ana), 'ana@new.example true')
  await settled()
  assert.match(mailTo(String(ana.email))?.subject ?? '', /^Your address was changed/)
  assert.deepEqual(await change().confirm(acme, link), GONE)
})

test('a link of one realm is nothing at another, and a new one is in place of the one before', async () => {
  const first = await asked('one@new.example')
  assert.equal(await change().open(blue, first), undefined)
  assert.deepEqual(await change().confirm(blue, first), GONE)
  const second = await asked('two@new.example')
  assert.deepEqual(await change().confirm(acme, first), GONE)
  assert.deepEqual(await change().confirm(acme, second), { kind: 'changed' })
  assert.equal(await addressOf(ana), 'two@new.example true')
})

const VOIDS: Readonly<Record<string, () => Promise<unknown>>> = {
  'an hour has gone by': () =>
    site.admin.query("update identity.email_change set expires_at = now() - interval '1 second'"),
  'its user has cancelled it': () => change().cancel(acme, ana.subject),
  'the password was changed': () =>
    site.services.security.changePassword(
      site.session(ana, acme),
      site.attempt(acme),
      'violet-harbor-92-quilt',
      NEW_PASSWORD,
    ),
  'an administrator gave the account another address': () =>
    site.directory.changeAccount(acme, ana.subject, { email: `by-admin-${people}@x.example` }),
  'the account was handed over to another source': () =>
    site.directory.changeAccount(acme, ana.subject, { externalId: `e-${people}` }),
  'the user is not active': () =>
    site.directory.changeAccount(acme, ana.subject, { active: false }),
}
for (const [what, happens] of Object.entries(VOIDS)) {
  test(`a change does not wait any more when ${what}`, async () => {
    const link = await asked(`void-${people}@new.example`)
    await happens()
    const now = await addressOf(ana)
    assert.deepEqual(await change().confirm(acme, link), GONE)
    assert.equal(await addressOf(ana), now)
  })
}

test('an address of another user is not given away, and asking does not tell that there is one', async () => {
  const email = `taken-${people}@x.example`
  const other = await site.person(acme, `bob-${people}`, { email, emailVerified: true })
  const free = await change().request(site.session(ana, acme), `free-${people}@x.example`)
  const link = await asked(email)
  assert.deepEqual(free, ASKED)
  assert.deepEqual(await change().confirm(acme, link), { kind: 'taken' })
  assert.equal(await addressOf(ana), unchanged())
  assert.equal(await addressOf(other), `${email} true`)
  // In another realm the address is another one.
  assert.equal((await site.directory.findBySignInName(blue, email))?.subject, undefined)
})

test('a session that is old, or less sure than the account can be, asks for nothing', async () => {
  const session = site.session(ana, acme)
  const old = { ...session, signedInAt: new Date(site.clock.now - 11 * 60_000) }
  assert.deepEqual(await change().request(old, 'x@new.example'), { kind: 'sign_in_again' })
  const made = await site.services.security.enrolTotp(session)
  assert.ok(made.kind === 'enrolment')
  await site.services.security.confirmTotp(session, site.codeOf(made.secret))
  assert.deepEqual(await change().request(session, 'x@new.example'), { kind: 'sign_in_again' })
  assert.deepEqual(await change().request(site.session(ana, acme, 2), 'x@new.example'), ASKED)
})

test('who signs in elsewhere, or was provisioned, has the address from there', async () => {
  const there = await site.directory.createAccount(acme, { userName: `there-${people}` })
  await site.directory.changeAccount(acme, ana.subject, { externalId: `x-${people}` })
  for (const account of [there, ana]) {
    assert.equal((await change().state(acme, account.subject)).mayChange, false)
    const refused = await change().request(site.session(account, acme), 'x@new.example')
    assert.deepEqual(refused, { kind: 'refused' })
  }
})

test('nobody is sent mail after mail, and what is no address is refused', async () => {
  const bad = ['', 'x', 'a@b@c', 'a@x.example\r\nBcc: b@x.example', 'a@x.example, b@x.example']
  for (const email of bad) {
    await assert.rejects(change().request(site.session(ana, acme), email), {
      code: 'invalid_argument',
    })
  }
  const outcomes: string[] = []
  for (let n = 0; n < 12; n += 1) {
    outcomes.push((await change().request(site.session(ana, acme), `n${n}@new.example`)).kind)
  }
  assert.ok(outcomes.includes('wait'), outcomes.join())
})

test('of two who open the link at once one changes the address', async () => {
  const link = await asked('race@new.example')
  const both = await Promise.all([change().confirm(acme, link), change().confirm(acme, link)])
  assert.deepEqual(both.map(({ kind }) => kind).toSorted(), ['changed', 'gone'])
})
