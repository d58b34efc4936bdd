import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import type { TenantId } from '../../../core/tenant.ts'
import type { Account } from '../../directory/directory.ts'
import type { Attempt, Holder, PasskeyOptions } from '../sign-in.ts'
import { PASSWORD, type SignInSite, startSignInSite } from '../sign-in-site.test-support.ts'
import { Challenges } from './challenges.ts'
import { PasskeyStore } from './passkey-store.ts'
import { type Ceremony, VirtualAuthenticator } from './virtual-authenticator.test-support.ts'

const ORIGIN = 'https://id.test'
const REFUSED = { kind: 'refused' }
const DONE = { kind: 'passed', next: { kind: 'done' } }

let site: SignInSite
let acme: TenantId
let blue: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
  blue = await site.realm('blue')
})
after(() => site.stop())

async function optionsFor(holder: Holder): Promise<PasskeyOptions> {
  const asked = await site.services.security.passkeyRegistrationOptions(holder)
  assert.ok(asked.kind === 'options')
  return asked.options
}

/** A user with a passkey and a password. */
async function withPasskey(tenant: TenantId, name: string) {
  const account = await site.person(tenant, name)
  const authenticator = new VirtualAuthenticator()
  const holder = site.session(account, tenant)
  const made = authenticator.register(await optionsFor(holder), { origin: ORIGIN })
  const outcome = await site.services.security.registerPasskey(holder, made, 'My phone')
  assert.ok(outcome.kind === 'enrolled' && outcome.recoveryCodes?.length === 10)
  return { account, authenticator }
}

async function begun(tenant: TenantId): Promise<Attempt> {
  const attempt = site.attempt(tenant)
  await site.services.signIn.begin(attempt)
  return attempt
}

/** Signs in without a name; what is tried differently goes into `ceremony`. */
async function trySignIn(
  tenant: TenantId,
  authenticator: VirtualAuthenticator,
  ceremony: Partial<Ceremony> = {},
) {
  const { signIn } = site.services
  const attempt = await begun(tenant)
  const options = await signIn.passkeyOptions(attempt)
  const response = authenticator.signIn(options, { origin: ORIGIN, ...ceremony })
  return { attempt, response, outcome: await signIn.passkey(attempt, response) }
}

test('a passkey alone is a sign-in of two factors, by a name that nobody typed', async () => {
  const { account, authenticator } = await withPasskey(acme, 'ana')
  const { attempt, outcome } = await trySignIn(acme, authenticator)
  assert.deepEqual(outcome, DONE)
  const end = await site.services.signIn.finish(attempt)
  assert.equal(end?.subject, account.subject)
  assert.equal(end?.acr, 'urn:ringfence:acr:2')
  assert.deepEqual(end?.amr, ['hwk', 'mfa', 'user'])
})

test('a passkey of one realm is nothing in another on the same host', async () => {
  const { account, authenticator } = await withPasskey(acme, 'bea')
  assert.deepEqual((await trySignIn(blue, authenticator)).outcome, REFUSED)
  const twin = await site.directory.createAccount(blue, { userName: 'bea' }, account.subject)
  assert.deepEqual((await trySignIn(blue, authenticator)).outcome, REFUSED, 'not even as its twin')
  const handle = { userHandle: null }
  assert.deepEqual((await trySignIn(blue, authenticator, handle)).outcome, REFUSED)
  assert.equal((await site.services.security.factors(blue, twin.subject))?.passkeys.length, 0)
})

test('an answer counts once, in the attempt and realm that it was asked for in', async () => {
  const { signIn } = site.services
  const { authenticator } = await withPasskey(acme, 'cleo')
  const asking = await begun(acme)
  const options = await signIn.passkeyOptions(asking)
  const response = authenticator.signIn(options, { origin: ORIGIN })
  assert.deepEqual(await signIn.passkey(await begun(acme), response), REFUSED)
  assert.deepEqual(await signIn.passkey({ ...asking, tenant: blue }, response), REFUSED)
  assert.deepEqual(await signIn.passkey(asking, response), DONE, 'others did not use it up')
  assert.deepEqual(await signIn.passkey(asking, response), REFUSED, 'replayed')
  const race = await begun(acme)
  const raced = authenticator.signIn(await signIn.passkeyOptions(race), { origin: ORIGIN })
  const outcomes = await Promise.all([1, 2, 3].map(() => signIn.passkey(race, raced)))
  assert.equal(outcomes.filter(({ kind }) => kind === 'passed').length, 1)
})

test('a challenge to sign in registers nothing, and one to register signs nobody in', async () => {
  const { signIn, security } = site.services
  const { account, authenticator } = await withPasskey(acme, 'dora')
  const attempt = await begun(acme)
  const options = await signIn.passkeyOptions(attempt)
  const holder = site.session(account, acme, 2)
  const asked = await optionsFor(holder)
  const other = new VirtualAuthenticator()
  const crossed = { ...asked, challenge: options['challenge'] }
  const made = other.register(crossed, { origin: ORIGIN })
  assert.deepEqual(await security.registerPasskey(holder, made, 'x'), REFUSED)
  const response = authenticator.signIn(asked, { origin: ORIGIN })
  assert.deepEqual(await signIn.passkey(attempt, response), REFUSED)
})

test('what a browser on another site, or an authenticator without its owner, answers is refused', async () => {
  const { authenticator } = await withPasskey(acme, 'eve')
  const wrong: readonly Partial<Ceremony>[] = [
    { origin: 'https://id.test.evil.example' },
    { origin: 'http://id.test' },
    { rpId: 'evil.example' },
    { userVerified: false },
    { challenge: Buffer.from('made up').toString('base64url') },
    { userHandle: Buffer.from('somebody else').toString('base64url') },
  ]
  for (const ceremony of wrong) {
    const { outcome } = await trySignIn(acme, authenticator, ceremony)
    assert.deepEqual(outcome, REFUSED, JSON.stringify(ceremony))
  }
  const unverified = site.session(await site.person(acme, 'eve-2'), acme)
  const made = new VirtualAuthenticator().register(await optionsFor(unverified), {
    origin: ORIGIN,
    userVerified: false,
  })
  assert.deepEqual(await site.services.security.registerPasskey(unverified, made, 'x'), REFUSED)
})

test('a copy of a passkey, whose counter is behind, does not get in', async () => {
  const { authenticator } = await withPasskey(acme, 'finn')
  assert.deepEqual((await trySignIn(acme, authenticator, { counter: 7 })).outcome, DONE)
  for (const counter of [7, 6, 0]) {
    assert.deepEqual((await trySignIn(acme, authenticator, { counter })).outcome, REFUSED)
  }
  assert.deepEqual((await trySignIn(acme, authenticator, { counter: 8 })).outcome, DONE)
  const { signIn } = site.services
  const answers = await Promise.all(
    [1, 2, 3, 4].map(async () => {
      const attempt = await begun(acme)
      const options = await signIn.passkeyOptions(attempt)
      return { attempt, answer: authenticator.signIn(options, { origin: ORIGIN, counter: 9 }) }
    }),
  )
  const outcomes = await Promise.all(
    answers.map(({ attempt, answer }) => signIn.passkey(attempt, answer)),
  )
  assert.equal(outcomes.filter(({ kind }) => kind === 'passed').length, 1, 'two at once')
})

test('passkeys and challenges are looked up in their realm, and challenges for their purpose', async () => {
  const { authenticator } = await withPasskey(acme, 'gus')
  const id = authenticator.id.toString('base64url')
  const store = new PasskeyStore()
  assert.equal((await store.find(site.database, acme, id))?.id, id)
  assert.equal(await store.find(site.database, blue, id), undefined)
  assert.equal(await store.used(site.database, blue, id, 99), false)
  const challenges = new Challenges()
  const take = (tenant: TenantId, holder: string, purpose: 'register' | 'sign_in') =>
    challenges.take(site.database, tenant, holder, purpose, 'c')
  await challenges.keep(site.database, acme, 'attempt 1', 'register', 'c')
  assert.equal(await take(acme, 'attempt 1', 'sign_in'), false)
  assert.equal(await take(acme, 'attempt 2', 'register'), false)
  assert.equal(await take(blue, 'attempt 1', 'register'), false)
  assert.equal(await take(acme, 'attempt 1', 'register'), true)
  assert.equal(await take(acme, 'attempt 1', 'register'), false)
  await challenges.keep(site.database, acme, 'attempt 1', 'register', 'c')
  await site.admin.query('update identity.passkey_challenge set expires_at = now()')
  assert.equal(await take(acme, 'attempt 1', 'register'), false, 'too late')
})

test("as a second factor only the user's own passkey counts", async () => {
  const { signIn } = site.services
  const { authenticator } = await withPasskey(acme, 'gil')
  const { authenticator: stranger } = await withPasskey(acme, 'hana')
  const attempt = await site.signInOf(acme, 'gil', PASSWORD)
  const asked = await signIn.passkeyOptions(attempt)
  const allowed = asked['allowCredentials'] as readonly { id: string }[]
  assert.deepEqual(
    allowed.map(({ id }) => id),
    [authenticator.id.toString('base64url')],
  )
  const foreign = stranger.signIn(asked, { origin: ORIGIN })
  assert.deepEqual(await signIn.passkey(attempt, foreign), REFUSED)
  const options = await signIn.passkeyOptions(attempt)
  const response = authenticator.signIn(options, { origin: ORIGIN })
  assert.deepEqual(await signIn.passkey(attempt, response), DONE)
  assert.deepEqual((await signIn.finish(attempt))?.amr, ['hwk', 'mfa', 'pwd', 'user'])
})

test('nobody takes over a passkey that is somebody else’s, or makes one for another user', async () => {
  const { security } = site.services
  const { authenticator } = await withPasskey(acme, 'ines')
  const thief = site.session(await site.person(acme, 'jon'), acme)
  const again = authenticator.register(await optionsFor(thief), { origin: ORIGIN })
  assert.deepEqual(await security.registerPasskey(thief, again, 'x'), REFUSED)
  const victim = site.session(await site.person(acme, 'kim'), acme)
  const made = new VirtualAuthenticator().register(await optionsFor(thief), { origin: ORIGIN })
  assert.deepEqual(await security.registerPasskey(victim, made, 'x'), REFUSED)
  assert.deepEqual(
    await security.renamePasskey(thief, authenticator.id.toString('base64url'), 'x'),
    REFUSED,
  )
  assert.deepEqual(
    await security.removePasskey(thief, authenticator.id.toString('base64url')),
    REFUSED,
  )
})

test('a user has several passkeys, calls them something, and keeps codes until the last is gone', async () => {
  const { security } = site.services
  const { account } = await withPasskey(acme, 'lea')
  const holder = site.session(account, acme, 2)
  const second = new VirtualAuthenticator()
  const made = second.register(await optionsFor(holder), { origin: ORIGIN })
  assert.deepEqual(await security.registerPasskey(holder, made, ' Laptop '), {
    kind: 'enrolled',
    recoveryCodes: undefined,
  })
  const passkeys = (await security.factors(acme, account.subject))?.passkeys ?? []
  assert.deepEqual(
    passkeys.map(({ label }) => label),
    ['My phone', 'Laptop'],
  )
  for (const label of ['', ' ', 'a\nb', 'x'.repeat(61)]) {
    await assert.rejects(security.renamePasskey(holder, passkeys[0]?.id ?? '', label), {
      code: 'invalid_argument',
    })
  }
  const codes = async () => (await security.factors(acme, account.subject))?.recoveryCodes
  await security.removePasskey(holder, passkeys[0]?.id ?? '')
  assert.equal(await codes(), 10)
  await security.removePasskey(holder, passkeys[1]?.id ?? '')
  assert.equal(await codes(), 0)
})

test('whatever is posted in place of an answer is refused, and breaks nothing', async () => {
  const { signIn, security } = site.services
  const account: Account = await site.person(acme, 'mia')
  const holder = site.session(account, acme)
  const attempt = await begun(acme)
  const { authenticator } = await withPasskey(acme, 'noa')
  const good = authenticator.signIn(await signIn.passkeyOptions(attempt), { origin: ORIGIN })
  const text = fc.oneof(fc.base64String(), fc.string(), fc.constant('e30'))
  const damaged = fc
    .record({ id: text, clientDataJSON: text, authenticatorData: text, signature: text })
    .map(({ id, ...response }) => ({ ...good, id, rawId: id, response }))
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), damaged), async (value) => {
      // From an address of its own: wrong answers are counted by address.
      const from = site.attempt(acme).address
      assert.deepEqual(await signIn.passkey({ ...attempt, address: from }, value), REFUSED)
      assert.deepEqual(await security.registerPasskey(holder, value, 'x'), REFUSED)
    }),
    { numRuns: 60 },
  )
})
