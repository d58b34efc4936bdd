import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Subject } from '../../../core/names.ts'
import { type Shown, TestBrowser } from '../testing/browser.test-support.ts'
import {
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../testing/pages-site.test-support.ts'

const NEW_PASSWORD = 'copper-lantern-31-reef'
const FORGED = { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' }

let site: PagesSite
let acme: PagesRealm
let beta: PagesRealm
let name: string
let subject: Subject
let who: TestBrowser
let users = 0

before(async () => {
  site = await startPagesSite()
  acme = await site.realm('acme')
  beta = await site.realm('beta')
})
after(() => site.stop())
beforeEach(async () => {
  name = `user-${users++}`
  subject = await acme.user(name, { email: `${name}@acme.example`, displayName: 'Ada' })
  who = new TestBrowser(site.origin)
  acme.sources.done.length = 0
})

const at = (path: string, realm = acme) => `${new URL(realm.issuer).pathname}/account${path}`

/** The page, after signing in when it is asked for. */
async function account(path: string): Promise<Shown> {
  const page = await who.get(at(path))
  if (!page.title.startsWith('Sign in')) return page
  return signIn(page)
}

async function signIn(page: Shown): Promise<Shown> {
  const second = await who.submit(page, '/identifier', { name })
  return who.submit(second, '/password', { password: PASSWORD })
}

describe('the account pages', () => {
  test('ask to sign in, and then show what was asked for, without a question of consent', async () => {
    const page = await account('/sessions')
    assert.match(page.title, /^Sessions/)
    assert.equal(new URL(page.url).pathname, at('/sessions'))
    assert.match((await who.get(at(''))).text, /value="Ada"/)
  })

  test('lead back to no page but their own', async () => {
    await account('')
    for (const state of ['//evil.example', 'https://evil.example', '/../../beta/account', '@x']) {
      const back = await who.get(at(`/signed-in?state=${encodeURIComponent(state)}`))
      assert.equal(new URL(back.url).pathname, at(''), state)
    }
  })

  test('show nothing of one realm to a session of another, nor to a user who is not active', async () => {
    await account('')
    for (const part of ['rf_session', 'rf_session.sig']) {
      who.setCookie(part, who.cookie(part) ?? '', '/realms/beta')
    }
    assert.match((await who.get(at('', beta))).title, /^Sign in/)
    await site.parts.directory.changeAccount(acme.tenant, subject, { active: false })
    assert.match((await who.get(at(''))).title, /^Sign in/)
  })

  test('that a user has not are as absent as those that nobody has', async () => {
    acme.sources.deciding = false
    const [hidden, never] = [await account('/support'), await who.get(at('/nothing'))]
    acme.sources.deciding = true
    assert.equal(hidden.status, 404)
    assert.equal(hidden.text, never.text)
  })

  test('change nothing by a form that another site sent, whichever it is', async () => {
    const paths = ['', '/password', '/authenticator', '/recovery-codes', '/sessions', '/apps']
    for (const path of [...paths, '/email', '/api-keys', '/support']) {
      const page = await account(path)
      assert.ok(page.forms.length > 0, path)
      for (const { action, fields } of page.forms) {
        assert.equal((await who.post(action, fields, FORGED)).status, 403, action)
        assert.equal((await who.post(action, { ...fields, csrf: 'x' })).status, 403, action)
      }
    }
    assert.deepEqual(acme.sources.done, [])
  })

  test("take no form of another user's session", async () => {
    const mine = await account('')
    const csrf = mine.forms[0]?.fields['csrf'] ?? ''
    const first = who
    name = `user-${users++}`
    await acme.user(name)
    who = new TestBrowser(site.origin)
    who.setCookie('rf_form', first.cookie('rf_form') ?? '', '/realms/acme')
    await account('')
    const refused = await who.post(at(''), { csrf, display_name: 'Mallory' })
    assert.equal(refused.status, 403)
  })
})

describe('the profile', () => {
  test('is saved, also with letters of every kind, and shown as text', async () => {
    const hostile = '<b onclick="x">Zoë 王 \'&"'
    const saved = await who.submit(await account(''), '/account', { display_name: hostile })
    assert.match(saved.text, /Your profile is saved/)
    assert.equal(saved.forms[0]?.fields['display_name'], hostile)
    assert.doesNotMatch(saved.text, /<b onclick/)
    const kept = await site.parts.directory.account(acme.tenant, subject)
    assert.equal(kept?.displayName, hostile)
  })

  test('mails a link to an address that is not confirmed, and the link confirms it', async () => {
    const mail = site.nextMail()
    const page = await account('')
    assert.match(page.text, /\(not confirmed\)/)
    await who.submit(page, '/verify-email')
    const link = /http\S+\/link\/[\w-]+/.exec((await mail).text)?.[0] ?? ''
    const asked = await who.get(link)
    assert.match(asked.title, /^Is this your address/)
    assert.match((await who.submit(asked, '/link/')).title, /^Thank you/)
    assert.match((await who.get(at(''))).text, /\(confirmed\)/)
  })
})

describe('the e-mail address', () => {
  const fresh = () => `${name}@new.example`

  test('is another one when the link to it was opened, by somebody who reads its mail', async () => {
    const mail = site.nextMail()
    const asked = await who.submit(await account('/email'), '/email', { email: fresh() })
    assert.match(asked.text, /A link is on its way to the new address/)
    assert.match(asked.text, new RegExp(`${name}@acme\\.example`))
    const { to, text } = await mail
    assert.equal(to, fresh())
    const link = /http\S+\/link\/[\w-]+/.exec(text)?.[0] ?? ''
    // In the browser in which the mail is read, where nobody is signed in.
    const reader = new TestBrowser(site.origin)
    const page = await reader.get(link)
    assert.match(page.title, /^Is this your address/)
    assert.match(page.text, /Ada/)
    assert.equal((await reader.post(link, {}, FORGED)).status, 403)
    assert.match((await reader.submit(page, '/link/')).title, /^Thank you/)
    assert.equal((await reader.get(link)).status, 404)
    assert.match((await who.get(at(''))).text, new RegExp(`${name}@new\\.example.*\\(confirmed\\)`))
  })

  test('stays when its user takes the wish back, and the link is nothing then', async () => {
    const mail = site.nextMail()
    const asked = await who.submit(await account('/email'), '/email', { email: fresh() })
    const link = /http\S+\/link\/[\w-]+/.exec((await mail).text)?.[0] ?? ''
    const kept = await who.submit(asked, '/email/cancel')
    assert.match(kept.text, /Your address stays as it is/)
    assert.equal((await who.get(link)).status, 404)
  })

  test('is refused with a reason when it is none, and not asked for where it comes from elsewhere', async () => {
    const refused = await who.submit(await account('/email'), '/email', { email: 'not an address' })
    assert.equal(refused.status, 400)
    assert.match(refused.text, /Type an address like/)
    const provisioned = { externalId: name }
    await site.parts.directory.changeAccount(acme.tenant, subject, provisioned)
    assert.doesNotMatch((await account('')).text, /account\/email/)
    assert.equal((await who.get(at('/email'))).status, 404)
  })
})

describe('the password', () => {
  test('is changed by who knows the present one, and weak ones are refused with a reason', async () => {
    const page = await account('/password')
    assert.match(page.text, /autocomplete="current-password"/)
    const wrong = await who.submit(page, '/password', { current: 'no', password: NEW_PASSWORD })
    assert.match(wrong.text, /This password is wrong/)
    assert.equal(wrong.status, 400)
    const weak = await who.submit(wrong, '/password', { current: PASSWORD, password: 'short' })
    assert.match(weak.text, /too short/)
    const good = await who.submit(weak, '/password', { current: PASSWORD, password: NEW_PASSWORD })
    assert.match(good.text, /Your password is changed/)
  })
})

describe('the authenticator app', () => {
  test('is set up with a picture and a key, and turned off again', async () => {
    const setup = await who.submit(await account('/authenticator'), '/authenticator/begin')
    assert.match(setup.text, /<svg class="qr" role="img"/)
    const secret = (/<code class="secret"[^>]*>([^<]*)/.exec(setup.text)?.[1] ?? '').replaceAll(
      ' ',
      '',
    )
    const wrong = await who.submit(setup, '/authenticator/confirm', { code: '12' })
    assert.match(wrong.text, /not right/)
    const codes = await who.submit(wrong, '/authenticator/confirm', { code: site.codeOf(secret) })
    assert.equal(codes.text.match(/<li><code>/g)?.length, 10)
    assert.match((await account('/security')).text, /On since/)
    // With a second factor there, a session of one factor changes nothing more: it signs in again.
    const again = await who.submit(await account('/authenticator'), '/authenticator/remove')
    const second = await signIn(again)
    assert.match(second.title, /Confirm that it is you/)
    const back = await who.submit(second, '/totp', { code: site.codeOf(secret) })
    assert.match(back.title, /^Authenticator app/)
    const off = await who.submit(back, '/authenticator/remove')
    assert.match(off.text, /The authenticator app is off/)
  })
})

describe('sessions, applications and support access', () => {
  test('are ended, taken back and decided for this user of this realm', async () => {
    const sessions = await account('/sessions')
    assert.match(sessions.text, /Safari on iOS/)
    await who.submit(sessions, '/sessions/end')
    await who.submit(sessions, '/sessions/end-others')
    const apps = await account('/apps')
    assert.match(apps.text, /use <code>x:y<\/code>/)
    await who.submit(apps, '/apps/take-back')
    const support = await account('/support')
    assert.match(support.text, /Ticket 4711/)
    await who.submit(support, '/support/decide', { answer: 'consent' })
    await who.submit(support, '/support/decide', { answer: 'anything else' })
    assert.deepEqual(acme.sources.done, [
      `end acme ${subject} s-2`,
      `end-others acme ${subject}`,
      `take-back acme ${subject} reports`,
      `consent acme ${subject} c-1`,
      `deny acme ${subject} c-1`,
    ])
  })
})

describe('API keys', () => {
  test('are shown once, listed without their secret, and removed', async () => {
    const page = await account('/api-keys')
    const none = await who.submit(page, '/api-keys', { name: 'Nightly', days: '30' })
    const scopes = Object.keys(
      page.forms.find((form) => form.markup.includes('days'))?.fields ?? {},
    )
    assert.match(none.text, /Choose what the key is for|shown again/)
    assert.ok(scopes.includes('scope-0'))
    const made = await who.submit(page, '/api-keys', {
      name: 'Export <b>',
      days: '30',
      'scope-0': 'yes',
    })
    const secret = /rfk_[\w-]{43}/.exec(made.text)?.[0]
    assert.ok(secret)
    const listed = await account('/api-keys')
    assert.match(listed.text, /Export &lt;b&gt;/)
    assert.doesNotMatch(listed.text, /rfk_/)
    for (const days of ['0', '9999', 'x', '']) {
      const refused = await who.submit(listed, '/api-keys', { name: 'N', days, 'scope-0': 'yes' })
      assert.equal(refused.status, 400, days)
    }
    const gone = await who.submit(listed, '/api-keys/remove')
    assert.match(gone.text, /The key works no more/)
  })
})

describe('a key, a consent or an address, which outlives the session', () => {
  test('is given only by who has signed in just now', async () => {
    const keys = await account('/api-keys')
    const support = await account('/support')
    const address = await account('/email')
    const key = { name: 'Late', days: '30', 'scope-0': 'yes' }
    site.later(11)
    assert.match((await who.submit(keys, '/api-keys', key)).title, /^Sign in/)
    const consent = await who.submit(support, '/support/decide', { answer: 'consent' })
    assert.match(consent.title, /^Sign in/)
    const elsewhere = { email: `${name}@new.example` }
    assert.match((await who.submit(address, '/email', elsewhere)).title, /^Sign in/)
    assert.equal((await site.services.emailChange.state(acme.tenant, subject)).pending, undefined)
    assert.deepEqual(acme.sources.done, [])
    assert.deepEqual(await site.parts.apiKeys.list(acme.tenant, subject), [])
    // To take back what was given is never made hard.
    await who.submit(support, '/support/decide', { answer: 'revoke' })
    assert.equal(acme.sources.done.length, 1)
  })
})

test('nothing of all this was trouble of ours', () => assert.deepEqual(site.logged, []))
