import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Browser } from 'playwright-core'
import {
  APP,
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../../src/identity/pages/testing/pages-site.test-support.ts'
import { type Opened, openWindow, startChromium } from './support/chromium.ts'
import { looksRight } from './support/look.ts'
import { call } from '../../src/http/call.ts'

const SECRET = 'code.secret'

let browser: Browser
let site: PagesSite
let acme: PagesRealm
let strict: PagesRealm

before(async () => {
  browser = await startChromium()
  site = await startPagesSite()
  acme = await site.realm('acme')
  strict = await site.realm('strict', {
    mfa: 'required',
    theme: { name: 'Northwind Klinik', accent: '#0b6e4f' },
  })
  acme.sources.offered = [{ label: 'Acme staff', href: '/realms/acme/federation/staff/start' }]
})
after(async () => {
  await browser?.close()
  await site?.stop()
})

async function typeName({ page }: Opened, realm: PagesRealm, name: string): Promise<void> {
  await page.goto(realm.authorize({ scope: 'openid profile offline_access read' }))
  await page.fill('[name=name]', name)
  await page.click('text=Continue >> nth=0')
}

async function signIn(opened: Opened, realm: PagesRealm, name: string): Promise<void> {
  await typeName(opened, realm, name)
  await opened.page.fill('[name=password]', PASSWORD)
  await opened.page.click('button:has-text("Sign in")')
}

/** Runs in a window of its own, and closes it. */
async function inWindow(work: (opened: Opened) => Promise<void>): Promise<void> {
  const opened = await openWindow(browser)
  try {
    await work(opened)
  } finally {
    await opened.context.close()
  }
}

test('the pages of signing in look right', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await acme.user('ada', { displayName: 'Ada Lovelace', email: 'ada@acme.example' })
    await page.goto(acme.authorize())
    await looksRight(opened, 'sign-in')
    await typeName(opened, acme, 'ada')
    await looksRight(opened, 'password')
    await page.fill('[name=password]', 'wrong password')
    await page.click('button:has-text("Sign in")')
    assert.match(await page.title(), /^Error/)
    await looksRight(opened, 'password-refused')
    await signIn(opened, acme, 'ada')
    await looksRight(opened, 'consent')
  }))

test('the pages of second factors look right', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await strict.user('tom', { displayName: 'Tom' })
    await signIn(opened, strict, 'tom')
    await looksRight(opened, 'enrol')
    await page.click('text=Add a passkey')
    await looksRight(opened, 'enrol-passkey')
    await page.click('text=Choose another way')
    await page.click('text=Use an authenticator app')
    await looksRight(opened, 'enrol-totp')
    const secret = ((await page.textContent(SECRET)) ?? '').replaceAll(' ', '')
    await page.fill('[name=code]', '12')
    await page.click('text=Turn on')
    await looksRight(opened, 'enrol-totp-refused')
    await page.fill('[name=code]', site.codeOf(secret))
    await page.click('text=Turn on')
    await looksRight(opened, 'recovery-codes')
    await page.context().clearCookies()
    await signIn(opened, strict, 'tom')
    await looksRight(opened, 'second-factor')
    await page.click('text=Use a recovery code')
    await looksRight(opened, 'second-factor-recovery')
  }))

test('the pages of devices and of signing out look right', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await acme.user('dev')
    const answer = await call(site.origin, {
      method: 'POST',
      path: '/realms/acme/device/auth',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: `client_id=${APP}&scope=openid`,
    })
    const { user_code: code } = JSON.parse(answer.text) as { user_code: string }
    await page.goto(`${acme.issuer}/device`)
    await looksRight(opened, 'device')
    await page.fill('[name=user_code]', 'never-was')
    await page.click('text=Continue')
    await looksRight(opened, 'device-refused')
    await page.fill('[name=user_code]', code)
    await page.click('text=Continue')
    await looksRight(opened, 'device-confirm')
    await page.click('text=Yes, it shows this code')
    await page.fill('[name=name]', 'dev')
    await page.click('text=Continue >> nth=0')
    await page.fill('[name=password]', PASSWORD)
    await page.click('button:has-text("Sign in")')
    await page.click('button:has-text("Allow") >> nth=0')
    await looksRight(opened, 'device-done')
    await page.goto(`${acme.issuer}/session/end`)
    await looksRight(opened, 'sign-out')
    await page.click('text=Sign out of')
    await looksRight(opened, 'signed-out')
  }))

test('the pages of links and refusals look right', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await acme.user('rec', { email: 'rec@acme.example', emailVerified: true })
    await page.goto(`${acme.issuer}/recover`)
    await looksRight(opened, 'recover')
    const mail = site.nextMail()
    await page.fill('[name=name]', 'rec')
    await page.click('text=Send the link')
    await looksRight(opened, 'recover-sent')
    await page.goto(/http\S+\/link\/[\w-]+/.exec((await mail).text)?.[0] ?? '')
    await looksRight(opened, 'new-password')
    await page.fill('[name=password]', 'short')
    await page.click('text=Save the password')
    await looksRight(opened, 'new-password-refused')
    await page.goto(`${acme.issuer}/link/never-was`)
    await looksRight(opened, 'link-gone')
    await page.goto(acme.authorize({ redirect_uri: 'https://evil.example/' }))
    await looksRight(opened, 'refused')
    await page.goto(`${acme.issuer}/interaction/over`)
    await looksRight(opened, 'over')
  }))

test('a user takes another address, by a link that is mailed to it', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await acme.user('mover', { displayName: 'Ida Noddack', email: 'ida@acme.example' })
    await page.goto(`${acme.issuer}/account`)
    await page.fill('[name=name]', 'mover')
    await page.click('text=Continue >> nth=0')
    await page.fill('[name=password]', PASSWORD)
    await page.click('button:has-text("Sign in")')
    await page.click('a:has-text("Change")')
    const mail = site.nextMail()
    await page.fill('[name=email]', 'ida@elsewhere.example')
    await page.click('text=Send the link')
    await looksRight(opened, 'account-email-asked')
    await page.goto(/http\S+\/link\/[\w-]+/.exec((await mail).text)?.[0] ?? '')
    await looksRight(opened, 'new-address')
    await page.click('text=Yes, it is mine')
    await looksRight(opened, 'new-address-confirmed')
    await page.click('text=Go to your account')
    assert.match((await page.textContent('main')) ?? '', /ida@elsewhere\.example\s*\(confirmed\)/)
  }))

test('the account pages look right', () =>
  inWindow(async (opened) => {
    const { page } = opened
    await acme.user('acc', { displayName: 'Grace Hopper', email: 'grace@acme.example' })
    await page.goto(`${acme.issuer}/account`)
    await page.fill('[name=name]', 'acc')
    await page.click('text=Continue >> nth=0')
    await page.fill('[name=password]', PASSWORD)
    await page.click('button:has-text("Sign in")')
    await looksRight(opened, 'account-profile')
    await page.click('text=Save')
    await looksRight(opened, 'account-saved')
    for (const path of [
      'email',
      'security',
      'password',
      'passkeys',
      'passkeys/add',
      'authenticator',
      'recovery-codes',
      'sessions',
      'apps',
      'api-keys',
      'support',
    ]) {
      await page.goto(`${acme.issuer}/account/${path}`)
      await looksRight(opened, `account-${path.replace('/', '-')}`)
    }
    await page.goto(`${acme.issuer}/account/api-keys`)
    await page.fill('[name=name]', 'Nightly export')
    await page.check('[name=scope-0]')
    await page.click('text=Make the key')
    await looksRight(opened, 'account-api-key-made')
    await page.goto(`${acme.issuer}/account/authenticator`)
    await page.click('text=Set up')
    await looksRight(opened, 'account-authenticator-setup')
  }))
