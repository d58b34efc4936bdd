import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  APP_RETURN,
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../testing/pages-site.test-support.ts'
import { type Shown, TestBrowser } from '../testing/browser.test-support.ts'
import { signedIn, typed } from '../testing/signing-in.test-support.ts'

let site: PagesSite
let acme: PagesRealm
let beta: PagesRealm

before(async () => {
  site = await startPagesSite()
  acme = await site.realm('acme')
  beta = await site.realm('beta')
  await acme.user('ada')
  await acme.user('tom')
})
after(() => site.stop())

const browser = () => new TestBrowser(site.origin)

/** What differs from one visit to the next by chance or by what was typed, taken away. */
function alike({ text, status, headers }: Shown, name: string) {
  const body = text
    .replaceAll(name, 'NAME')
    .replaceAll(/interaction\/[\w-]+/g, 'interaction/UID')
    .replaceAll(/name="csrf" value="[^"]*"/g, 'CSRF')
  const { date: _, 'set-cookie': cookies, ...rest } = headers
  const set = [cookies ?? []].flat().map((line) => line.replace(/=[^;]*/, '=VALUE'))
  return { status, body, headers: { ...rest, 'content-length': undefined }, set }
}

describe('signing in', () => {
  test('goes from the name to the password, to consent, and back to the application', async () => {
    const who = browser()
    const consent = await signedIn(who, acme, 'ada')
    assert.match(consent.title, /^Allow Clinic app\?/)
    const back = await who.submit(consent, '/consent', { answer: 'allow' })
    const url = new URL(back.url)
    assert.equal(`${url.origin}${url.pathname}`, APP_RETURN)
    assert.ok(url.searchParams.get('code'))
    assert.equal(url.searchParams.get('state'), 'state-of-the-app')
    assert.equal(url.searchParams.get('iss'), acme.issuer)
  })

  test('remembers the device for a year, in a cookie of this realm alone', async () => {
    const who = browser()
    await signedIn(who, acme, 'ada')
    assert.ok(who.cookie('rf_device'))
    assert.match(who.cookiesFor('/realms/acme/interaction/x'), /rf_device/)
    assert.doesNotMatch(who.cookiesFor('/realms/beta/interaction/x'), /rf_/)
  })

  test('gives a session a new id: one that was planted before is not signed in', async () => {
    const who = browser()
    await signedIn(who, acme, 'ada')
    const before = who.cookie('rf_session')
    assert.ok(before)
    // The same browser signs in again: whoever knew the id from before has nothing.
    await who.submit(await typed(who, acme, 'ada', { prompt: 'login' }), '/password', {
      password: PASSWORD,
    })
    const now = who.cookie('rf_session')
    assert.ok(now !== undefined && now !== before)
    const { Session } = (await acme.context()).provider
    assert.equal(await Session.find(before), undefined)
    const planted = browser()
    planted.setCookie('rf_session', 'planted-by-somebody', '/realms/acme')
    await signedIn(planted, acme, 'ada')
    assert.notEqual(planted.cookie('rf_session'), 'planted-by-somebody')
  })

  test('tells the client how sure it was', async () => {
    const who = browser()
    await signedIn(who, acme, 'ada')
    const session = await (await acme.context()).provider.Session.find(
      who.cookie('rf_session') ?? '',
    )
    assert.equal(session?.acr, 'urn:ringfence:acr:1')
    assert.deepEqual(session?.amr, ['pwd'])
  })

  test('is given up with one button, and the client learns it', async () => {
    const who = browser()
    const first = await who.get(acme.authorize())
    const back = new URL((await who.submit(first, '/cancel')).url)
    assert.equal(back.searchParams.get('error'), 'access_denied')
  })
})

describe('nobody learns who has an account', () => {
  test('from the page after the name', async () => {
    const [there, absent] = await Promise.all([
      typed(browser(), acme, 'ada'),
      typed(browser(), acme, 'nob'),
    ])
    assert.deepEqual(alike(there, 'ada'), alike(absent, 'nob'))
  })

  test('from the refusal of a password', async () => {
    const wrong = async (name: string) => {
      const who = browser()
      return who.submit(await typed(who, acme, name), '/password', { password: 'wrong password' })
    }
    const [there, absent] = [await wrong('ada'), await wrong('nob')]
    assert.equal(there.status, 400)
    assert.deepEqual(alike(there, 'ada'), alike(absent, 'nob'))
  })

  test('from a hint that the client gives', async () => {
    const [there, absent] = [
      await browser().get(acme.authorize({ login_hint: 'ada' })),
      await browser().get(acme.authorize({ login_hint: 'nob' })),
    ]
    assert.match(there.text, /name="name"[^>]* value="ada"/)
    const calm = (page: Shown, name: string) => {
      const { body, ...rest } = alike(page, name)
      return { ...rest, body: body.replaceAll(/data-options="[^"]*"/g, 'OPTIONS') }
    }
    assert.deepEqual(calm(there, 'ada'), calm(absent, 'nob'))
  })
})

describe('a sign-in page', () => {
  test('is served with all its headers', async () => {
    const { headers } = await browser().get(acme.authorize())
    const csp = String(headers['content-security-policy'])
    assert.match(csp, /default-src 'none'/)
    assert.match(csp, /script-src 'self'/)
    assert.match(csp, /form-action 'self' https:\/\/app\.example;/)
    assert.match(csp, /frame-ancestors 'none'/)
    assert.equal(headers['referrer-policy'], 'no-referrer')
    assert.equal(headers['cache-control'], 'no-store')
  })

  test('has a title, a language, one heading, labels, and what password managers look for', async () => {
    const who = browser()
    const first = await who.get(acme.authorize())
    assert.equal(first.title, 'Sign in · Clinic acme')
    assert.match(first.text, /<html lang="en">/)
    assert.equal(first.text.match(/<h1>/g)?.length, 1)
    assert.match(first.text, /<label for="f-name">/)
    assert.match(first.text, /autocomplete="username"/)
    const second = await who.submit(first, '/identifier', { name: 'ada' })
    assert.match(second.text, /autocomplete="current-password"/)
    assert.doesNotMatch(second.text, /<script/)
  })

  test('says in its title and at the field what was refused', async () => {
    const who = browser()
    const again = await who.submit(await typed(who, acme, 'ada'), '/password', { password: 'no' })
    assert.match(again.title, /^Error: Sign in/)
    assert.match(again.text, /aria-describedby="f-password-error" aria-invalid="true"/)
  })

  test('has no style and no script in it', async () => {
    const who = browser()
    for (const page of [await who.get(acme.authorize()), await typed(who, acme, 'ada')]) {
      assert.doesNotMatch(page.text, /<style|style="|<script>| on[a-z]+="/)
    }
  })

  test('shows a hostile name as text', async () => {
    const name = '"><script>alert(1)</script>'
    const page = await typed(browser(), acme, name)
    assert.doesNotMatch(page.text, /<script/)
    assert.equal(page.forms.find((form) => form.action.endsWith('/password'))?.fields['name'], name)
  })

  test('is nothing to who has only its address', async () => {
    const first = await browser().get(acme.authorize())
    const elsewhere = await browser().get(first.url)
    assert.equal(elsewhere.status, 400)
    assert.match(elsewhere.title, /over/)
  })

  test('of one sign-in is not reached with the cookie of another', async () => {
    const [one, other] = [browser(), browser()]
    const [first, second] = [await one.get(acme.authorize()), await other.get(acme.authorize())]
    const own = new URL(first.url).pathname
    other.setCookie(
      'rf_interaction',
      one.cookie('rf_interaction') ?? '',
      new URL(second.url).pathname,
    )
    other.setCookie(
      'rf_interaction.sig',
      one.cookie('rf_interaction.sig') ?? '',
      new URL(second.url).pathname,
    )
    const crossed = await other.get(second.url)
    assert.equal(crossed.status, 400)
    assert.doesNotMatch(crossed.text, new RegExp(own.split('/').at(-1) ?? ''))
  })

  test("of another realm is not reached with this realm's cookies", async () => {
    const who = browser()
    const first = await who.get(acme.authorize())
    const path = new URL(first.url).pathname.replace('acme', 'beta')
    for (const cookie of ['rf_interaction', 'rf_interaction.sig']) {
      who.setCookie(cookie, who.cookie(cookie) ?? '', path)
    }
    assert.equal((await who.get(path)).status, 400)
  })

  test('that is reloaded after a form goes back to its beginning', async () => {
    const who = browser()
    const password = await typed(who, acme, 'ada')
    const again = await who.get(password.url)
    assert.match(again.text, /name="name"/)
    assert.equal(again.status, 200)
  })
})

describe('a form of a sign-in', () => {
  for (const [what, fields, headers] of [
    ['without its proof', { csrf: '' }, {}],
    ['from another site', {}, { 'sec-fetch-site': 'cross-site' }],
    ['from another origin', {}, { origin: 'https://evil.example' }],
  ] as const) {
    test(`${what} is refused, and nothing is tried`, async () => {
      const who = browser()
      const page = await typed(who, acme, 'ada')
      const refused = await who.submit(
        page,
        '/password',
        { password: PASSWORD, ...fields },
        headers,
      )
      assert.equal(refused.status, 403)
      assert.equal(who.cookie('rf_device'), undefined)
    })
  }

  test('of another sign-in is refused', async () => {
    const who = browser()
    const [first, second] = [await who.get(acme.authorize()), await who.get(acme.authorize())]
    const csrf = first.forms[0]?.fields['csrf'] ?? ''
    assert.equal((await who.submit(second, '/identifier', { name: 'ada', csrf })).status, 403)
  })

  test('to a step that is not of this prompt is not there', async () => {
    const who = browser()
    const page = await who.get(acme.authorize())
    const csrf = page.forms[0]?.fields['csrf'] ?? ''
    const { pathname } = new URL(page.url)
    for (const step of ['consent', 'toString', '__proto__', 'password/x']) {
      const answer = await who.post(`${pathname}/${step}`, { csrf, answer: 'allow' })
      assert.equal(answer.status, 404, step)
    }
  })
})

describe('too many tries', () => {
  test('are answered with how long to wait, also the one that would have been right', async () => {
    await acme.user('pat')
    const who = browser()
    const page = await typed(who, acme, 'pat')
    let answer = page
    for (let tries = 0; tries < 30 && !answer.text.includes('Too many tries'); tries++) {
      answer = await who.submit(page, '/password', { password: 'wrong password' })
    }
    const right = await who.submit(page, '/password', { password: PASSWORD })
    assert.match(right.text, /Too many tries\. Wait/)
    assert.equal(who.cookie('rf_device'), undefined)
  })
})

describe("the tenant's own identity provider", () => {
  test('is offered to everybody, and to who has an address of its domain', async () => {
    acme.sources.offered = [{ label: 'Acme staff', href: '/realms/acme/federation/staff/start' }]
    acme.sources.domains = {
      'acme.example': { label: 'Acme staff', href: '/realms/acme/federation/staff/start?x=1' },
    }
    try {
      assert.match((await browser().get(acme.authorize())).text, /Continue with Acme staff/)
      const known = await typed(browser(), acme, 'nobody@acme.example')
      assert.match(known.text, /href="\/realms\/acme\/federation\/staff\/start\?x=1"/)
      assert.doesNotMatch((await typed(browser(), acme, 'a@other.example')).text, /Acme staff/)
      assert.doesNotMatch((await browser().get(beta.authorize())).text, /Acme staff/)
    } finally {
      acme.sources.offered = []
      acme.sources.domains = {}
    }
  })
})

test('nothing of all this was trouble of ours', () => assert.deepEqual(site.logged, []))
