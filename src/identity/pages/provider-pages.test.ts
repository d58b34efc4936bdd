import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { call } from '../../http/call.ts'
import { type Shown, TestBrowser } from './testing/browser.test-support.ts'
import {
  APP,
  APP_RETURN,
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from './testing/pages-site.test-support.ts'

let site: PagesSite
let acme: PagesRealm

before(async () => {
  site = await startPagesSite()
  acme = await site.realm('acme', { theme: { name: 'Acme & Söhne', accent: '#0b6e4f' } })
  await acme.user('ada', { displayName: 'Ada <Lovelace>' })
})
after(() => site.stop())

const browser = () => new TestBrowser(site.origin)

async function signIn(who: TestBrowser, first: Shown): Promise<Shown> {
  const second = await who.submit(first, '/identifier', { name: 'ada' })
  return who.submit(second, '/password', { password: PASSWORD })
}

const codeOf = (page: Shown) => new URL(page.url).searchParams.get('code')

describe('consent', () => {
  test('says who asks, for what, and where it leads, and escapes all of it', async () => {
    const who = browser()
    const page = await signIn(who, await who.get(acme.authorize({ scope: 'openid profile read' })))
    assert.equal(page.title, 'Allow Clinic app? · Acme & Söhne')
    assert.match(page.text, /Ada &lt;Lovelace&gt;/)
    assert.match(page.text, /see your name/)
    assert.match(page.text, /read what you may read at Acme &amp; Söhne/)
    assert.match(page.text, /<strong>app\.example<\/strong>/)
  })

  test('is a yes only with the button that says so', async () => {
    for (const answer of ['deny', 'ALLOW', 'yes', '']) {
      const who = browser()
      const page = await signIn(who, await who.get(acme.authorize()))
      const back = await who.submit(page, '/consent', { answer })
      assert.equal(new URL(back.url).searchParams.get('error'), 'access_denied', answer)
      assert.equal(codeOf(back), null)
    }
  })

  test('grants what was shown, whatever else the form says', async () => {
    const who = browser()
    const page = await signIn(who, await who.get(acme.authorize()))
    await who.submit(page, '/consent', { answer: 'allow', scope: 'openid profile write' })
    // What was not shown is asked for again.
    assert.match((await who.get(acme.authorize({ scope: 'openid write' }))).title, /^Allow/)
    assert.ok(codeOf(await who.get(acme.authorize())))
  })

  test('sent from another site allows nothing', async () => {
    const who = browser()
    const page = await signIn(who, await who.get(acme.authorize()))
    const refused = await who.submit(
      page,
      '/consent',
      { answer: 'allow' },
      { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
    )
    assert.equal(refused.status, 403)
    assert.match((await who.get(acme.authorize())).title, /^Allow/)
  })
})

describe('a device', () => {
  async function begin(): Promise<{ readonly code: string; readonly page: string }> {
    const { pathname } = new URL(acme.issuer)
    const answer = await call(site.origin, {
      method: 'POST',
      path: `${pathname}/device/auth`,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `client_id=${APP}&scope=openid`,
    })
    assert.equal(answer.status, 200, answer.text)
    const { user_code: code, verification_uri: page } = JSON.parse(answer.text) as {
      user_code: string
      verification_uri: string
    }
    return { code, page }
  }

  test('is connected by who types its code, signs in and says yes', async () => {
    const { code, page } = await begin()
    const who = browser()
    const asked = await who.get(page)
    assert.match(asked.title, /^Connect a device/)
    assert.match(String(asked.headers['content-security-policy']), /default-src 'none'/)
    const confirm = await who.submit(asked, '/device', { user_code: code.toLowerCase() })
    assert.match(confirm.title, /Is this your device/)
    assert.match(confirm.text, new RegExp(`<p class="secret">${code}</p>`))
    const consent = await signIn(who, await who.submit(confirm, '/device'))
    const done = await who.submit(consent, '/consent', { answer: 'allow' })
    assert.match(done.title, /^Device connected/)
  })

  test('with a code that never was or was used gets the same words, and what was typed back', async () => {
    const { code, page } = await begin()
    const who = browser()
    const stopped = await who.submit(await who.get(page), '/device', { user_code: code })
    await who.submit(stopped, '/device', { abort: 'yes' })
    const again = await who.submit(await who.get(page), '/device', { user_code: code })
    const hostile = '"><script>BCDF'
    const never = await who.submit(await who.get(page), '/device', { user_code: hostile })
    const words = /This code does not work/
    assert.match(again.text, words)
    assert.match(never.text, words)
    assert.doesNotMatch(never.text, /<script/)
    assert.match(never.title, /^Error: /)
  })
})

describe('signing out', () => {
  test('is asked about, and then the session is over', async () => {
    const who = browser()
    const page = await signIn(who, await who.get(acme.authorize()))
    await who.submit(page, '/consent', { answer: 'allow' })
    const { pathname } = new URL(acme.issuer)
    const asked = await who.get(
      `${pathname}/session/end?client_id=${APP}&post_logout_redirect_uri=${encodeURIComponent('https://app.example/bye')}`,
    )
    assert.match(asked.title, /^Sign out\?/)
    assert.match(asked.text, /Clinic app has signed you out/)
    assert.match(
      String(asked.headers['content-security-policy']),
      /form-action 'self' https:\/\/app\.example;/,
    )
    const over = await who.submit(asked, '/session/end/confirm', { logout: 'yes' })
    assert.equal(over.url, 'https://app.example/bye')
    assert.match((await who.get(acme.authorize())).title, /^Sign in/)
  })

  test('is not done by a link, nor by a form from elsewhere', async () => {
    const who = browser()
    const page = await signIn(who, await who.get(acme.authorize()))
    await who.submit(page, '/consent', { answer: 'allow' })
    const { pathname } = new URL(acme.issuer)
    await who.get(`${pathname}/session/end`)
    const forged = await who.post(`${pathname}/session/end/confirm`, { logout: 'yes', xsrf: 'x' })
    assert.equal(forged.status, 400)
    assert.ok(codeOf(await who.get(acme.authorize())))
  })
})

describe('a refusal that cannot be sent to a client', () => {
  test('is a page in the look of the realm, and no open redirect', async () => {
    for (const uri of ['https://evil.example/', `${APP_RETURN}/x`, 'javascript:alert(1)']) {
      const page = await browser().get(acme.authorize({ redirect_uri: uri }))
      assert.equal(page.status, 400)
      assert.equal(page.title, 'This cannot go on · Acme & Söhne')
      assert.match(String(page.headers['content-security-policy']), /default-src 'none'/)
      assert.doesNotMatch(page.text, /evil\.example"|href="javascript/)
    }
  })

  test('escapes what the request said', async () => {
    const page = await browser().get(acme.authorize({ client_id: '<script>alert(1)</script>' }))
    assert.equal(page.status, 400)
    assert.doesNotMatch(page.text, /<script>/)
  })
})

describe('files of the pages', () => {
  test('are kept for ever, and only those that there are', async () => {
    const page = await browser().get(acme.authorize())
    const paths = [...page.text.matchAll(/(?:href|src)="([^"]*\/assets\/[^"]*)"/g)]
    assert.equal(paths.length, 3)
    for (const [, path = ''] of paths) {
      const file = await browser().get(path)
      assert.equal(file.status, 200)
      assert.match(String(file.headers['cache-control']), /immutable/)
      assert.equal(file.headers['x-content-type-options'], 'nosniff')
    }
    const { pathname } = new URL(acme.issuer)
    for (const path of ['/assets/', '/assets/pages', '/assets/%2e%2e/x']) {
      assert.notEqual((await browser().get(`${pathname}${path}`)).status, 200, path)
    }
  })
})

test('nothing of all this was trouble of ours', () => assert.deepEqual(site.logged, []))
