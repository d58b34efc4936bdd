import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { TestBrowser } from '../testing/browser.test-support.ts'
import {
  PASSWORD,
  type PagesRealm,
  type PagesSite,
  startPagesSite,
} from '../testing/pages-site.test-support.ts'
import { enrol, signedIn, typed } from '../testing/signing-in.test-support.ts'
import { acrDemanded } from './demand.ts'

let site: PagesSite
let acme: PagesRealm
let beta: PagesRealm

before(async () => {
  site = await startPagesSite()
  acme = await site.realm('acme')
  beta = await site.realm('beta')
  await acme.user('tom')
})
after(() => site.stop())

const browser = () => new TestBrowser(site.origin)

test('two factors are demanded by acr_values or the claim, and only when one would not do', () => {
  const [one, two] = ['urn:ringfence:acr:1', 'urn:ringfence:acr:2']
  const claim = (acr: unknown) => ({ claims: JSON.stringify({ id_token: { acr } }) })
  for (const params of [
    { acr_values: two },
    { acr_values: `urn:other ${two}` },
    claim({ essential: true, value: two }),
    claim({ values: [two] }),
  ]) {
    assert.equal(acrDemanded(params), two, JSON.stringify(params))
  }
  for (const params of [
    {},
    { acr_values: one },
    { acr_values: `${two} ${one}` },
    { acr_values: 'urn:other' },
    { acr_values: [two] },
    claim({ values: [one, two] }),
    claim(null),
    { claims: 'no json' },
  ]) {
    assert.equal(acrDemanded(params), undefined, JSON.stringify(params))
  }
})

describe('a second factor', () => {
  test('is set up when the client wants one, without asking for the password again', async () => {
    const who = browser()
    await acme.user('kim')
    const consent = await signedIn(who, acme, 'kim')
    await who.submit(consent, '/consent', { answer: 'allow' })
    const step = await who.get(acme.authorize({ acr_values: 'urn:ringfence:acr:2' }))
    assert.match(step.title, /Set up a second step/)
    const { secret, codes, after } = await enrol(site, who, step)
    assert.ok(new URL(after.url).searchParams.get('code'), after.title)
    const { provider } = await acme.context()
    const session = await provider.Session.find(who.cookie('rf_session') ?? '')
    assert.equal(session?.acr, 'urn:ringfence:acr:2')

    // From now on it is asked for, in any of its ways.
    const another = browser()
    const asked = await signedIn(another, acme, 'kim')
    assert.match(asked.title, /Confirm that it is you/)
    assert.match(asked.text, /autocomplete="one-time-code"/)
    const refused = await another.submit(asked, '/totp', { code: '12' })
    assert.match(refused.text, /id="f-code-error"/)
    const code = site.codeOf(secret)
    const good = await another.submit(refused, '/totp', {
      code: `${code.slice(0, 3)} ${code.slice(3)}`,
    })
    assert.match(good.title, /^Allow/)

    const third = browser()
    const first = await signedIn(third, acme, 'kim')
    const other = await third.get(`${first.url.replace(/\/password$/, '')}?with=recovery_code`)
    assert.match(other.text, /Recovery code/)
    const again = await third.submit(other, '/recovery-code', { code: codes[0] ?? '' })
    assert.match(again.title, /^Allow/)
  })

  test('that is demanded, but cannot be asked for without a page, is an error to the client', async () => {
    const who = browser()
    await signedIn(who, acme, 'tom')
    const silent = await who.get(
      acme.authorize({ acr_values: 'urn:ringfence:acr:2', prompt: 'none' }),
    )
    assert.equal(new URL(silent.url).searchParams.get('error'), 'login_required')
  })

  test('is demanded by the realm of everybody, and a session from before is not enough', async () => {
    await beta.user('ben')
    const who = browser()
    const page = await who.submit(await who.get(beta.authorize()), '/identifier', { name: 'ben' })
    assert.match((await who.submit(page, '/password', { password: PASSWORD })).title, /^Allow/)
    await beta.settings({ mfa: 'required' })
    const step = await who.get(beta.authorize())
    assert.match(step.title, /Set up a second step/)
    assert.match((await enrol(site, who, step)).after.title, /^Allow/)
    await beta.settings({})
  })
})

describe('signing in anew', () => {
  for (const more of [{ prompt: 'login' }, { max_age: '0' }]) {
    test(`is asked for by ${JSON.stringify(more)}, also of who is signed in`, async () => {
      const who = browser()
      await signedIn(who, acme, 'tom')
      assert.match((await who.get(acme.authorize(more))).title, /^Sign in/)
    })
  }
})

describe('a password that must be replaced', () => {
  test('is replaced before anything else', async () => {
    await acme.mustChange(await acme.user('eve'))
    const who = browser()
    const page = await typed(who, acme, 'eve')
    const asked = await who.submit(page, '/password', { password: `first ${PASSWORD}` })
    assert.match(asked.title, /Choose a new password/)
    const weak = await who.submit(asked, '/new-password', { password: 'short' })
    assert.match(weak.text, /too short/)
    const good = await who.submit(weak, '/new-password', { password: 'marble-ostrich-77-comet' })
    assert.match(good.title, /^Allow/)
  })
})

test('nothing of all this was trouble of ours', () => assert.deepEqual(site.logged, []))
