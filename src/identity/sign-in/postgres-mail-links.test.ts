import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import type { Mail } from '../mail/mail.ts'
import {
  NEW_PASSWORD,
  PASSWORD,
  type SignInSite,
  startSignInSite,
} from './sign-in-site.test-support.ts'

const GONE = { kind: 'gone' }

let site: SignInSite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
after(() => site.stop())

const linkOf = (mail: Mail) => /\/link\/(rfl_[\w-]{43})\s/.exec(mail.text)?.[1] ?? ''
const known = (email: string) => ({ email, emailVerified: true })

/** Asks to recover, and takes the link out of the mail. */
async function recover(tenant: TenantId, name: string): Promise<string> {
  const mail = site.nextMail()
  assert.deepEqual(await site.services.links.requestRecovery(site.attempt(tenant), name), {
    kind: 'asked',
  })
  return linkOf(await mail)
}

/** All that was asked for has been looked at. */
async function settled(): Promise<void> {
  for (;;) {
    const { rows } = await site.admin.query(
      'select 1 from identity.recovery_request union all select 1 from identity.mail limit 1',
    )
    if (rows.length === 0) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

test('a recovered password opens the account, ends all that was issued, and gives its owner a device', async () => {
  const { links, signIn } = site.services
  const ana = await site.person(acme, 'ana', { ...known('ana@x.example'), displayName: 'Ana' })
  const link = await recover(acme, 'ANA@x.example')
  const caller = site.attempt(acme)
  assert.deepEqual(await links.open(caller, link), { purpose: 'recovery', name: 'Ana' })
  assert.deepEqual(await links.setPassword(caller, link, 'short'), {
    kind: 'weak',
    problem: 'too_short',
  })
  const before = (await site.published()).length
  const outcome = await links.setPassword(caller, link, NEW_PASSWORD)
  assert.ok(outcome.kind === 'changed')
  const published = (await site.published()).slice(before)
  assert.deepEqual(
    published.map((revocation) => ({ ...revocation, at: undefined })),
    [{ at: undefined, kind: 'subject', tenant: 'acme', id: ana.subject }],
  )
  assert.equal((await site.signInOf(acme, 'ana').then((a) => signIn.begin(a))).kind, 'identify')
  assert.ok(await signIn.finish(await site.signInOf(acme, 'ana', NEW_PASSWORD)))
  assert.deepEqual(await links.setPassword(caller, link, 'orchid-thunder-58-maple'), GONE)
  assert.deepEqual(await links.open(caller, link), GONE)
})

test('of two who use one link at once, one sets the password', async () => {
  const { links } = site.services
  await site.person(acme, 'bea', known('bea@x.example'))
  const link = await recover(acme, 'bea')
  const words = ['orchid-thunder-58-maple', 'copper-lantern-31-reef', 'silver-walnut-77-moss']
  const outcomes = await Promise.all(
    words.map((password) => links.setPassword(site.attempt(acme), link, password)),
  )
  assert.deepEqual(outcomes.map(({ kind }) => kind).sort(), ['changed', 'gone', 'gone'])
})

test('asking tells nothing of who there is: the answer is the same, and the work before it', async () => {
  const { links } = site.services
  await site.person(acme, 'cleo', known('cleo@x.example'))
  await site.person(acme, 'unverified', { email: 'unverified@x.example' })
  const gone = await site.person(acme, 'gone', known('gone@x.example'))
  await site.directory.changeAccount(acme, gone.subject, { active: false })
  await site.directory.createAccount(acme, { userName: 'sso', ...known('sso@x.example') })
  await site.person(blue, 'only-blue', known('only-blue@x.example'))
  await settled()
  const before = site.mails.length
  const hashes = site.queue.hashes
  // The worker deletes what was entered: it is counted when it is.
  await site.admin.query(`create table asked (tenant text);
    create function asked() returns trigger language plpgsql security definer
      as $$ begin insert into public.asked values (new.tenant); return new; end $$;
    create trigger asked before insert on identity.recovery_request
      for each row execute function asked()`)
  const names = [
    'cleo',
    'unverified',
    'gone',
    'sso',
    'only-blue',
    'nobody',
    '\u202e',
    'x'.repeat(9_999),
  ]
  for (const name of names) {
    assert.deepEqual(await links.requestRecovery(site.attempt(acme), name), { kind: 'asked' })
  }
  const { rows } = await site.admin.query('select from asked')
  assert.equal(rows.length, names.length, 'one row each, whoever it is')
  await settled()
  assert.equal(site.queue.hashes, hashes)
  assert.deepEqual(
    site.mails.slice(before).map(({ to }) => to),
    ['cleo@x.example'],
  )
})

test('nobody is flooded with mail, and who asks does not learn that none was sent', async () => {
  const { links } = site.services
  await site.person(acme, 'dora', known('dora@x.example'))
  await settled()
  const before = site.mails.length
  for (let n = 0; n < 8; n++) {
    assert.deepEqual(await links.requestRecovery(site.attempt(acme), 'dora'), { kind: 'asked' })
  }
  await settled()
  assert.ok(site.mails.length - before <= 4)
  const from = { address: '203.0.113.9' }
  const kinds: string[] = []
  for (let n = 0; n < 14; n++) {
    kinds.push((await links.requestRecovery(site.attempt(acme, from), `nobody-${n}`)).kind)
  }
  assert.ok(kinds.includes('wait'))
})

test('a link of one realm opens nothing in another', async () => {
  const { links } = site.services
  const eve = await site.person(acme, 'eve', known('eve@x.example'))
  const link = await recover(acme, 'eve')
  await site.directory.createAccount(blue, known('eve@x.example'), eve.subject)
  assert.deepEqual(await links.open(site.attempt(blue), link), GONE)
  assert.deepEqual(await links.setPassword(site.attempt(blue), link, NEW_PASSWORD), GONE)
  assert.deepEqual(await links.verifyEmail(site.attempt(blue), link), GONE)
  assert.equal((await links.setPassword(site.attempt(acme), link, NEW_PASSWORD)).kind, 'changed')
})

test('a link is void after a password change, another address, a newer link, or its time', async () => {
  const { links, security } = site.services
  const finn = await site.person(acme, 'finn', known('finn@x.example'))
  const open = async (link: string) => 'purpose' in (await links.open(site.attempt(acme), link))
  const first = await recover(acme, 'finn')
  const second = await recover(acme, 'finn')
  assert.equal(await open(first), false)
  assert.equal(await open(second), true)
  const holder = site.session(finn, acme)
  await security.changePassword(holder, site.attempt(acme), PASSWORD, NEW_PASSWORD)
  assert.equal(await open(second), false)
  const third = await recover(acme, 'finn')
  await site.directory.changeAccount(acme, finn.subject, known('finn@y.example'))
  assert.equal(await open(third), false)
  const fourth = await recover(acme, 'finn')
  assert.equal(await open(fourth), true)
  await site.admin.query(`update identity.mail_link set expires_at = now()`)
  assert.equal(await open(fourth), false)
  for (const odd of ['', 'rfl_', `rfl_${'A'.repeat(43)}`, '\0', fourth.toUpperCase()]) {
    assert.equal(await open(odd), false)
  }
})

test('whoever reads the database learns no link', async () => {
  await site.person(acme, 'gil', known('gil@x.example'))
  const link = await recover(acme, 'gil')
  const { rows } = await site.admin.query<{ text: string }>(
    `select l::text as text from identity.mail_link l
     union all select r::text from identity.recovery_request r`,
  )
  assert.ok(rows.length > 0)
  const hex = Buffer.from(link).toString('hex')
  for (const { text } of rows) assert.ok(!text.includes(link) && !text.includes(hex))
})

test('an invitation gives a first password and proves the address', async () => {
  const { links, signIn } = site.services
  const hana = await site.directory.createAccount(acme, { userName: 'hana', email: 'h@x.example' })
  const mail = site.nextMail()
  await links.invite(acme, hana.subject)
  const link = linkOf(await mail)
  assert.equal((await links.setPassword(site.attempt(acme), link, NEW_PASSWORD)).kind, 'changed')
  assert.equal((await site.directory.account(acme, hana.subject))?.emailVerified, true)
  assert.ok(await signIn.finish(await site.signInOf(acme, 'h@x.example', NEW_PASSWORD)))
  const { subject } = await site.directory.createAccount(acme, { userName: 'no-mail' })
  await assert.rejects(links.invite(acme, subject), { code: 'invalid_argument' })
  await assert.rejects(links.invite(blue, hana.subject), { code: 'not_found' })
})

test('an address is proven by its owner, and only one user of a realm can', async () => {
  const { links } = site.services
  const ines = await site.person(acme, 'ines', { email: 'shared@x.example' })
  const jon = await site.person(acme, 'jon', { email: 'shared@x.example' })
  const ask = async (account: typeof ines) => {
    const mail = site.nextMail()
    assert.deepEqual(await links.requestVerification(site.session(account, acme)), {
      kind: 'asked',
    })
    return linkOf(await mail)
  }
  const [one, two] = [await ask(ines), await ask(jon)]
  assert.deepEqual(await links.setPassword(site.attempt(acme), one, NEW_PASSWORD), GONE)
  assert.deepEqual(await links.verifyEmail(site.attempt(acme), one), { kind: 'verified' })
  assert.deepEqual(await links.verifyEmail(site.attempt(acme), one), GONE)
  assert.deepEqual(await links.verifyEmail(site.attempt(acme), two), { kind: 'taken' })
  assert.equal((await site.directory.account(acme, jon.subject))?.emailVerified, false)
  assert.deepEqual(await links.requestVerification(site.session(ines, acme)), { kind: 'refused' })
})

test('recovering a password goes round no second factor', async () => {
  const { links, security, signIn } = site.services
  const kim = await site.person(acme, 'kim', known('kim@x.example'))
  const holder = site.session(kim, acme)
  const enrolment = await security.enrolTotp(holder)
  assert.ok(enrolment.kind === 'enrolment')
  await security.confirmTotp(holder, site.codeOf(enrolment.secret))
  await links.setPassword(site.attempt(acme), await recover(acme, 'kim'), NEW_PASSWORD)
  const attempt = await site.signInOf(acme, 'kim', NEW_PASSWORD)
  assert.equal((await signIn.begin(attempt)).kind, 'second_factor')
  assert.equal(await signIn.finish(attempt), undefined)
})
