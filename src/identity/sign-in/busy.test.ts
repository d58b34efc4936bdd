import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { TenantId } from '../../core/tenant.ts'
import { FileMailer } from '../mail/file-mailer.ts'
import { endingAccess } from '../directory/end-access.ts'
import { openSignIn } from './open-sign-in.ts'
import { HashQueue } from './passwords/hash-queue.ts'
import { signInAdapters, signInSchema } from './sign-in-settings.ts'
import { CHEAP, PASSWORD, type SignInSite, startSignInSite } from './sign-in-site.test-support.ts'

let site: SignInSite
let acme: TenantId
before(async () => {
  site = await startSignInSite()
  acme = await site.realm('acme')
})
after(() => site.stop())

test('users are changed while they sign in and recover, and nobody waits for ever', async () => {
  const { signIn, security, links } = site.services
  const users = await Promise.all(
    ['ana', 'bea', 'cleo'].map((name) =>
      site.person(acme, name, { email: `${name}@x.example`, emailVerified: true }),
    ),
  )
  const work = users.flatMap((user, n) => {
    const name = String(user.userName)
    const rounds = [1, 2, 3, 4]
    return rounds.flatMap((round): readonly (() => Promise<unknown>)[] => [
      () => site.directory.changeAccount(acme, user.subject, { displayName: `${name} ${round}` }),
      async () => signIn.finish(await site.signInOf(acme, name)),
      () => links.requestRecovery(site.attempt(acme), name),
      () => security.enrolTotp(site.session(user, acme)),
      () => security.passkeyRegistrationOptions(site.session(user, acme)),
      () => links.invite(acme, user.subject),
      () => site.directory.createAccount(acme, { userName: `more-${n}-${round}` }),
    ])
  })
  const outcomes = await Promise.allSettled(work.map((one) => one()))
  const failed = outcomes.filter((one) => one.status === 'rejected')
  assert.deepEqual(failed, [])
})

test('a sign-in that was turned away for lack of room does not count against its owner', async () => {
  const { database, directory, sealing, publisher, directoryPath } = site
  const queue = new HashQueue({ running: 1, waiting: 0 })
  const services = await openSignIn({
    database,
    directory,
    sealing,
    endAccess: endingAccess(publisher),
    mailer: new FileMailer(directoryPath, 'no-reply@id.example'),
    hashCost: CHEAP,
    queue,
    log: () => {},
  })
  await site.person(acme, 'dora')
  const gate = Promise.withResolvers<void>()
  const busy = queue.run(acme, () => gate.promise)
  const from = { address: '203.0.113.7' }
  for (let n = 0; n < 12; n++) {
    const attempt = site.attempt(acme, from)
    await services.signIn.begin(attempt)
    await assert.rejects(services.signIn.password(attempt, 'dora', PASSWORD), {
      code: 'overloaded',
    })
  }
  gate.resolve()
  await busy
  const attempt = site.attempt(acme, from)
  await services.signIn.begin(attempt)
  assert.equal((await services.signIn.password(attempt, 'dora', PASSWORD)).kind, 'passed')
  await services.close()
})

test('settings name what leaves the house, and nothing does unless they say so', () => {
  const mail = { by: 'console' }
  assert.deepEqual(signInAdapters(signInSchema.parse({ mail }), () => {}).breaches, [])
  const url = 'https://leaks.example/range/'
  const settings = signInSchema.parse({ mail, leakedPasswordsUrl: url })
  assert.equal(signInAdapters(settings, () => {}).breaches.length, 1)
  for (const bad of ['http://leaks.example/range/', 'https://leaks.example/range', 'range/']) {
    assert.equal(signInSchema.safeParse({ mail, leakedPasswordsUrl: bad }).success, false)
  }
})
