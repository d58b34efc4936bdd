import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { after, before, describe, test } from 'node:test'
import type { Browser, Page } from 'playwright-core'
import { type Listening, listenWith } from '../../src/http/listen.ts'
import {
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../../src/identity/pages/testing/pages-site.test-support.ts'
import { type Opened, openWindow, startChromium } from './support/chromium.ts'

let browser: Browser
let site: PagesSite
let acme: PagesRealm
/** The application, and also anybody else on another origin. */
let elsewhere: Listening
let returnTo: string
let served = '<!doctype html><title>App</title>'

before(async () => {
  browser = await startChromium()
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end(served)
  })
  elsewhere = await listenWith(server, { host: '127.0.0.1', port: 0 })
  returnTo = `${elsewhere.url}/signed-in`
  site = await startPagesSite()
  acme = await site.realm('acme', {}, returnTo)
})
after(async () => {
  await browser?.close()
  await elsewhere?.close()
  await site?.stop()
})

async function inWindow(work: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await openWindow(browser)
  try {
    await work(opened)
    assert.deepEqual(opened.complaints, [])
  } finally {
    await opened.context.close()
  }
}

/** The ring of the focus, as it is drawn: WCAG 2.2, 2.4.7. */
async function focusIsSeen(page: Page): Promise<void> {
  const ring = await page.evaluate(
    'getComputedStyle(document.activeElement).outlineStyle + getComputedStyle(document.activeElement).outlineWidth',
  )
  assert.equal(ring, 'solid3px')
}

/** Presses Tab until something with this text has the focus. */
async function tabTo(page: Page, label: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    if ((await page.evaluate('document.activeElement.textContent')) === label) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`${label} is not reached with the keyboard`)
}

async function signIn(page: Page, name: string): Promise<void> {
  await page.fill('[name=name]', name)
  await page.click('text=Continue >> nth=0')
  await page.fill('[name=password]', PASSWORD)
  await page.click('button:has-text("Sign in")')
}

test('signing in needs nothing but the keyboard, and comes back to the application', () =>
  inWindow(async ({ page }) => {
    await acme.user('kay')
    await page.goto(acme.authorize())
    await focusIsSeen(page)
    await page.keyboard.type('kay')
    await page.keyboard.press('Enter')
    await page.waitForSelector('[name=password]')
    await focusIsSeen(page)
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=Allow Clinic app?')
    await tabTo(page, 'Allow')
    await focusIsSeen(page)
    await page.keyboard.press('Enter')
    // The redirect after the form goes to another origin: `form-action` has to let it.
    await page.waitForURL(`${returnTo}?*`)
    assert.ok(new URL(page.url()).searchParams.get('code'))
  }))

test('signing in works without scripts, and passkeys are then not offered', async () => {
  await acme.user('noa')
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  await page.goto(acme.authorize())
  assert.equal(await page.isVisible('text=Sign in with a passkey'), false)
  await signIn(page, 'noa')
  assert.match(await page.title(), /^Allow/)
  await context.close()
})

/** A device with a lock that its owner opens whenever asked, until `locks`. */
async function authenticator({ context, page }: Opened) {
  const devtools = await context.newCDPSession(page)
  await devtools.send('WebAuthn.enable')
  const { authenticatorId } = await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return {
    locks: () =>
      devtools.send('WebAuthn.setUserVerified', { authenticatorId, isUserVerified: false }),
  }
}

async function addPasskey(page: Page, name: string): Promise<void> {
  await page.goto(`${acme.issuer}/account/passkeys/add`)
  await signIn(page, name)
  await page.fill('[name=label]', 'My laptop')
  await page.click('text=Create a passkey')
  await page.waitForSelector('text=Keep your recovery codes')
}

async function acrOf({ context }: Opened): Promise<string | undefined> {
  const cookies = await context.cookies(`${acme.issuer}/account`)
  const id = cookies.find(({ name }) => name === 'rf_session')?.value ?? ''
  const { provider } = await acme.context()
  return (await provider.Session.find(id))?.acr
}

describe('a passkey', () => {
  test('is made in the account, and then signs in without a name or a password', () =>
    inWindow(async (opened) => {
      const { page, context } = opened
      await acme.user('pia')
      await authenticator(opened)
      await addPasskey(page, 'pia')
      await page.goto(`${acme.issuer}/account/passkeys`)
      assert.equal(await page.isVisible('strong:has-text("My laptop")'), true)
      await context.clearCookies()
      await page.goto(acme.authorize())
      await page.click('text=Sign in with a passkey')
      await page.waitForSelector('text=Allow Clinic app?')
      assert.equal(await acrOf(opened), 'urn:ringfence:acr:2')
    }))

  test('is the second step after a password', () =>
    inWindow(async (opened) => {
      const { page, context } = opened
      await acme.user('sue')
      await authenticator(opened)
      await addPasskey(page, 'sue')
      await context.clearCookies()
      await page.goto(acme.authorize())
      await signIn(page, 'sue')
      await page.waitForSelector('text=Confirm that it is you')
      await page.click('button:has-text("Use a passkey")')
      await page.waitForSelector('text=Allow Clinic app?')
      assert.equal(await acrOf(opened), 'urn:ringfence:acr:2')
    }))

  test('that the user does not give is said, and can be tried again', () =>
    inWindow(async (opened) => {
      const { page, context } = opened
      await acme.user('ned')
      const { locks } = await authenticator(opened)
      await addPasskey(page, 'ned')
      await context.clearCookies()
      await page.goto(acme.authorize())
      await locks()
      await page.click('text=Sign in with a passkey')
      await page.waitForSelector('[role=alert]:has-text("No passkey was used")')
      assert.equal(await page.isEnabled('text=Sign in with a passkey'), true)
    }))

  test('of one realm is not known in another', () =>
    inWindow(async (opened) => {
      const { page } = opened
      const beta = await site.realm('beta')
      await acme.user('una')
      await authenticator(opened)
      await addPasskey(page, 'una')
      await page.goto(beta.authorize())
      await page.click('text=Sign in with a passkey')
      await page.waitForSelector('text=This passkey cannot be used here')
    }))
})

describe('another site', () => {
  /** What becomes of a form that this site sends with everything that a page of ours has in it. */
  async function forged(from: string, who: string): Promise<{ status: number; text: string }> {
    const { page, context } = await openWindow(browser)
    await acme.user(who)
    await page.goto(acme.authorize())
    const action = await page.getAttribute('form[action$=identifier]', 'action')
    const csrf = await page.getAttribute('form[action$=identifier] [name=csrf]', 'value')
    served = `<!doctype html><form method="post" action="${site.origin}${action}">
      <input name="csrf" value="${csrf}"><input name="name" value="mallory"></form>
      <script>document.forms[0].submit()</script>`
    const answer = page.waitForResponse((response) => response.url().endsWith('/identifier'))
    await page.goto(from)
    const response = await answer
    const shown = { status: response.status(), text: await response.text() }
    await context.close()
    return shown
  }

  test('sends a form of a sign-in without the cookies that make it one', async () => {
    const { status, text } = await forged(elsewhere.url, 'vic')
    assert.equal(status, 400)
    assert.match(text, /This sign-in is over/)
  })

  test('beside ours, to which browsers do send cookies, is told apart by its origin', async () => {
    const { status, text } = await forged(elsewhere.url.replace('127.0.0.1', 'localhost'), 'val')
    assert.equal(status, 403)
    assert.doesNotMatch(text, /mallory/)
  })

  test('cannot show a page of ours in a frame', async () => {
    const { page, context } = await openWindow(browser)
    served = `<!doctype html><iframe src="${acme.issuer}/recover"></iframe>`
    const framed = page.waitForEvent('framenavigated', (frame) => frame !== page.mainFrame())
    await page.goto(elsewhere.url)
    assert.equal((await framed).url(), 'chrome-error://chromewebdata/')
    await context.close()
  })
})
