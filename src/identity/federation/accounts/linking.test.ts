import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  type AccountsSite,
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

describe('an existing user is linked', () => {
  async function existing(name: string, provisioning: string, email = `ann@${name}.example`) {
    const tenant = await site.realm(name)
    const to = await site.connection(tenant, { provisioning })
    const { subject } = await site.base.directory.createAccount(tenant, {
      userName: 'ann',
      email,
      emailVerified: true,
    })
    return { tenant, to, subject, email }
  }

  test('by a verified address in a domain that the tenant has proven', async () => {
    for (const provisioning of ['link', 'create']) {
      const { to, tenant, subject, email } = await existing(`linked-${provisioning}`, provisioning)
      await site.prove(tenant, 'corporate', email.split('@')[1] ?? '')
      const signedIn = await site.accounts.signIn(to, person('u1', verified(email.toUpperCase())))
      assert.deepEqual(signedIn, { subject, isNew: false })
    }
  })

  test('never without proof of the domain', async () => {
    const { to, email, subject } = await existing('unproven', 'link')
    const attempt = site.accounts.signIn(to, person('u1', verified(email)))
    await assert.rejects(attempt, refusal('domain_not_verified'))
    const creating = await site.connection(to.tenant, { provisioning: 'create' })
    assert.notEqual(
      (await site.accounts.signIn(creating, person('u1', verified(email)))).subject,
      subject,
    )
  })

  test('never by the proof of another connection', async () => {
    const { tenant, to, email } = await existing('elsewhere', 'link')
    await site.connection(tenant, {}, 'second')
    await site.prove(tenant, 'second', 'elsewhere.example')
    const attempt = site.accounts.signIn(to, person('u1', verified(email)))
    await assert.rejects(attempt, refusal('domain_not_verified'))
  })

  test('never by an address that the provider does not vouch for', async () => {
    const { to, tenant, email } = await existing('unvouched', 'link')
    await site.prove(tenant, 'corporate', 'unvouched.example')
    for (const claims of [
      { email },
      { email, email_verified: false },
      { email, email_verified: 1 },
    ]) {
      const attempt = site.accounts.signIn(to, person('u1', claims))
      await assert.rejects(attempt, refusal('email_not_verified'))
    }
  })

  test('never by a user name, or an address that the user has not proven', async () => {
    const tenant = await site.realm('by-name')
    const to = await site.connection(tenant, {
      provisioning: 'link',
      mapping: {
        userName: { claim: 'preferred_username' },
        email: { claim: 'email' },
        emailVerified: { claim: 'email_verified' },
      },
    })
    await site.prove(tenant, 'corporate', 'by-name.example')
    await site.base.directory.createAccount(tenant, { userName: 'bob@by-name.example' })
    await site.base.directory.createAccount(tenant, {
      userName: 'eve',
      email: 'eve@by-name.example',
    })
    for (const email of ['bob@by-name.example', 'eve@by-name.example']) {
      const attempt = site.accounts.signIn(
        to,
        person('u1', { ...verified(email), preferred_username: 'eve' }),
      )
      await assert.rejects(attempt, refusal('not_linked'))
    }
  })

  test('not to a second person: an address that was given on takes nothing over', async () => {
    const { to, tenant, email, subject } = await existing('given-on', 'create')
    await site.prove(tenant, 'corporate', 'given-on.example')
    assert.equal((await site.accounts.signIn(to, person('u1', verified(email)))).subject, subject)
    const attempt = site.accounts.signIn(to, person('u2', verified(email)))
    await assert.rejects(attempt, refusal('already_linked'))
  })
})
