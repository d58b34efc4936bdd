import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Shown, TestBrowser } from '../testing/browser.test-support.ts'
import {
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../testing/pages-site.test-support.ts'

const NEW_PASSWORD = 'copper-lantern-31-reef'

let site: PagesSite
let acme: PagesRealm
let beta: PagesRealm

before(async () => {
  site = await startPagesSite()
  acme = await site.realm('acme')
  beta = await site.realm('beta')
  await acme.user('ada', { email: 'ada@acme.example', emailVerified: true })
})
after(() => site.stop())

const browser = () => new TestBrowser(site.origin)
const below = (realm: PagesRealm, path: string) => `${new URL(realm.issuer).pathname}${path}`

/** The link of the next mail, which something brings about. */
async function mailed(bring: () => Promise<unknown>): Promise<string> {
  const mail = site.nextMail()
  await bring()
  const url = /https?:\/\/\S+\/link\/[\w-]+/.exec((await mail).text)?.[0]
  assert.ok(url)
  return url
}

async function ask(who: TestBrowser, name: string): Promise<Shown> {
  return who.submit(await who.get(below(acme, '/recover')), '/recover', { name })
}

/** The title of what follows the password, in the second after access was ended: that one is void. */
async function signsIn(name: string, password: string): Promise<string> {
  const ended = Math.floor(Date.now() / 1000)
  while (Math.floor(Date.now() / 1000) === ended) await setTimeout(20)
  const who = browser()
  const second = await who.submit(await who.get(acme.authorize()), '/identifier', { name })
  return (await who.submit(second, '/password', { password })).title
}

describe('recovery', () => {
  test('answers the same for a name that is there and one that is not', async () => {
    let there: Shown | undefined
    await mailed(async () => {
      there = await ask(browser(), 'ada@acme.example')
    })
    const absent = await ask(browser(), 'nobody@acme.example')
    assert.equal(there?.text, absent.text)
    assert.equal(there?.status, absent.status)
  })

  test('sets a new password by a link, once, and who was signed in is not any more', async () => {
    const before = browser()
    const page = await before.submit(await before.get(acme.authorize()), '/identifier', {
      name: 'ada',
    })
    await before.submit(page, '/password', { password: PASSWORD })
    const link = await mailed(() => ask(browser(), 'ada@acme.example'))
    const who = browser()
    const opened = await who.get(link)
    assert.match(opened.title, /^Set a new password/)
    assert.equal(opened.headers['referrer-policy'], 'no-referrer')
    assert.match(opened.text, /autocomplete="new-password"/)
    const weak = await who.submit(opened, '/link/', { password: 'short' })
    assert.match(weak.text, /too short/)
    const done = await who.submit(weak, '/link/', { password: NEW_PASSWORD })
    assert.match(done.title, /^Your password is set/)
    assert.ok(who.cookie('rf_device'))
    assert.match((await before.get(acme.authorize())).title, /^Sign in/)
    assert.match(await signsIn('ada', PASSWORD), /^Error/)
    assert.match(await signsIn('ada', NEW_PASSWORD), /^Allow/)
    assert.match((await who.get(link)).title, /does no more/)
  })

  test('from another site asks for nothing', async () => {
    const who = browser()
    const page = await who.get(below(acme, '/recover'))
    const refused = await who.submit(
      page,
      '/recover',
      { name: 'ada' },
      { 'sec-fetch-site': 'cross-site' },
    )
    assert.equal(refused.status, 403)
  })
})

describe('a link', () => {
  test('that never was looks like one that is over, and like one of another realm', async () => {
    const link = await mailed(() => ask(browser(), 'ada@acme.example'))
    const never = await browser().get(below(acme, `/link/${'x'.repeat(43)}`))
    const path = new URL(link).pathname.replace('acme', 'beta')
    const elsewhere = await browser().get(path)
    assert.equal(never.status, 404)
    assert.equal(elsewhere.status, 404)
    const plain = (page: Shown) => page.text.replaceAll(/acme|beta|assets\/[\w-]+/g, '')
    assert.equal(plain(elsewhere), plain(never))
  })

  test('is not used up by who only looks, nor by a form without its proof', async () => {
    const link = await mailed(() => ask(browser(), 'ada@acme.example'))
    const who = browser()
    const opened = await who.get(link)
    await browser().get(link)
    const forged = await who.submit(opened, '/link/', { password: 'stolen-words-55-x', csrf: 'x' })
    assert.equal(forged.status, 403)
    assert.match((await who.get(link)).title, /^Set a new password/)
  })

  test('invites with a welcome', async () => {
    const subject = await acme.user('nel', { email: 'nel@acme.example' })
    const link = await mailed(() => site.services.links.invite(acme.tenant, subject))
    const who = browser()
    const opened = await who.get(link)
    assert.match(opened.title, /^Welcome/)
    const done = await who.submit(opened, '/link/', { password: NEW_PASSWORD })
    assert.match(done.title, /^Your password is set/)
    assert.match(await signsIn('nel', NEW_PASSWORD), /^Allow/)
  })
})

test('nothing of all this was trouble of ours', () => {
  assert.deepEqual(site.logged, [])
  assert.ok(beta)
})
