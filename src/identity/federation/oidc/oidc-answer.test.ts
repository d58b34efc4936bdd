import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Browser } from '../browser.test-support.ts'
import {
  CLIENT,
  cookiesFor,
  type HostileSite,
  query,
  startHostileSite,
} from './hostile-site.test-support.ts'

let site: HostileSite
before(async () => {
  site = await startHostileSite()
})
after(() => site.stop())
beforeEach(() => site.reset())

describe('an answer', () => {
  test('of another issuer (mix-up) is refused before the code is sent anywhere', async () => {
    const started = await site.start(site.acme)
    const page = await site.answer(started, {
      code: 'c',
      state: started.state,
      iss: 'https://evil.example',
    })
    site.assertRefused(page, 'wrong_issuer')
    assert.equal(site.idp.tokenRequests.length, 0)
  })

  test('without iss is refused when the provider announces it', async () => {
    await site.connect(site.acme, 'announced')
    site.idp.discovery = { authorization_response_iss_parameter_supported: true }
    const started = await site.start(site.acme, 'announced')
    site.assertRefused(
      await site.answer(started, { code: 'c', state: started.state }),
      'wrong_issuer',
    )
    assert.equal(site.idp.tokenRequests.length, 0)
  })

  test('is used once', async () => {
    const started = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(started))
    const parameters = { code: 'c', state: started.state, iss: site.idp.issuer }
    const copies = started.browser.cookies
    assert.ok(copies.length > 0)
    const both = await Promise.all([
      started.browser.get(`${started.callback}?${query(parameters)}`),
      started.browser.get(`${started.callback}?${query(parameters)}`),
    ])
    assert.deepEqual(both.map(({ status }) => status).sort(), [303, 403])
    assert.equal(site.idp.tokenRequests.length, 1)
  })

  test('in another browser is refused: a code that an attacker obtained signs no victim in', async () => {
    const attacker = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(attacker))
    const victim = await site.start(site.acme)
    const page = await site.answer(
      { browser: victim.browser, callback: attacker.callback },
      { code: 'c', state: attacker.state, iss: site.idp.issuer },
    )
    site.assertRefused(page, 'request_unknown')
    assert.equal(site.idp.tokenRequests.length, 0)
  })

  for (const [what, state] of [
    ['without state', undefined],
    ['with a state that nobody made', 'A'.repeat(43)],
    ['with something else as state', "' or 1=1 --"],
  ] as const) {
    test(`${what} is refused`, async () => {
      const started = await site.start(site.acme)
      const page = await site.answer(started, {
        code: 'c',
        iss: site.idp.issuer,
        ...(state && { state }),
      })
      site.assertRefused(page, 'request_unknown')
    })
  }

  test('with parameters twice is refused', async () => {
    const started = await site.start(site.acme)
    const twice = `code=c&state=${started.state}&state=${started.state}&iss=${site.idp.issuer}`
    site.assertRefused(await started.browser.get(`${started.callback}?${twice}`), 'request_unknown')
  })

  test('that is a refusal of the provider signs nobody in, and is not shown', async () => {
    const started = await site.start(site.acme)
    const page = await site.answer(started, {
      error: 'access_denied',
      error_description: '<script>planted</script>',
      state: started.state,
      iss: site.idp.issuer,
    })
    site.assertRefused(page, 'provider_refused')
    assert.ok(!page.text.includes('planted'))
  })

  test('to one realm is nothing in another, with all of its cookies', async () => {
    const started = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(started))
    const elsewhere = started.callback.replace('/acme/', '/globex/')
    const page = await fetch(
      `${elsewhere}?${query({ code: 'c', state: started.state, iss: site.idp.issuer })}`,
      { headers: { cookie: cookiesFor(started) }, redirect: 'manual' },
    )
    assert.equal(page.status, 403)
    assert.equal(site.idp.tokenRequests.length, 0)
  })

  test('to one connection is nothing at another of the same realm and provider', async () => {
    await site.connect(site.acme, 'second')
    const started = await site.start(site.acme)
    const page = await fetch(
      `${started.callback.replace('/corporate/', '/second/')}?${query({
        code: 'c',
        state: started.state,
        iss: site.idp.issuer,
      })}`,
      { headers: { cookie: cookiesFor(started) }, redirect: 'manual' },
    )
    assert.equal(page.status, 403)
    assert.equal(site.idp.tokenRequests.length, 0)
  })
})

describe('the end of a sign-in', () => {
  test('is not reached from another interaction of the same browser', async () => {
    const started = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(started))
    const parameters = { code: 'c', state: started.state, iss: site.idp.issuer }
    const { location = '' } = await started.browser.get(`${started.callback}?${query(parameters)}`)
    started.browser.enter(site.issuer(site.acme), 'another-one')
    const elsewhere = location.replace(started.interaction, 'another-one')
    assert.notEqual(elsewhere, location)
    const cookie = `interaction_of_this_test=another-one; ${cookiesFor(started)}`
    const page = await fetch(elsewhere, { headers: { cookie }, redirect: 'manual' })
    assert.equal(page.status, 403)
    assert.equal(site.finished.length, 0)
    assert.equal((await started.browser.get(location)).text, 'finished')
  })

  test('is not reached in another browser', async () => {
    const started = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(started))
    const parameters = { code: 'c', state: started.state, iss: site.idp.issuer }
    const { location = '' } = await started.browser.get(`${started.callback}?${query(parameters)}`)
    const victim = new Browser()
    victim.enter(site.issuer(site.acme), started.interaction)
    site.assertRefused(await victim.get(location), 'request_unknown')
  })

  test('happens once', async () => {
    const started = await site.start(site.acme)
    site.idp.idToken = () => site.idp.sign(site.good(started))
    const parameters = { code: 'c', state: started.state, iss: site.idp.issuer }
    const { location = '' } = await started.browser.get(`${started.callback}?${query(parameters)}`)
    const cookie = cookiesFor(started)
    const statuses = []
    for (let i = 0; i < 2; i++) {
      statuses.push((await fetch(location, { headers: { cookie }, redirect: 'manual' })).status)
    }
    assert.deepEqual(statuses, [200, 403])
    assert.equal(site.finished.length, 1)
  })
})

describe('a start', () => {
  test('outside of an interaction of this browser is refused', async () => {
    const browser = new Browser()
    const at = (interaction: string) =>
      browser.get(`${site.issuer(site.acme)}/interaction/${interaction}/federation/corporate`)
    site.assertRefused(await at('mine'), 'request_unknown')
    browser.enter(site.issuer(site.acme), 'mine')
    site.assertRefused(await at('anothers'), 'request_unknown')
    assert.equal((await at('mine')).status, 303)
  })

  test('at a connection that there is not, or is off, or whose provider is not allowed, is no page', async () => {
    const { administration } = site.federation
    await site.connect(site.acme, 'off')
    await administration.putConnection(site.acme, 'off', {
      kind: 'oidc',
      displayName: 'Off',
      enabled: false,
      config: { issuer: site.idp.issuer, clientId: CLIENT },
    })
    const browser = new Browser()
    browser.enter(site.issuer(site.acme), 'i')
    const pages = []
    for (const id of ['off', 'nobody', 'UPPER', "x'--"]) {
      pages.push(await browser.get(`${site.issuer(site.acme)}/interaction/i/federation/${id}`))
    }
    assert.deepEqual(
      [...new Set(pages.map(({ status, text }) => `${status} ${text}`))],
      ['404 not here'],
    )
    const initech = await site.realm('initech')
    await site.connect(initech, 'corporate')
    browser.enter(site.issuer(initech), 'i')
    const url = `${site.issuer(initech)}/interaction/i/federation/corporate`
    assert.equal((await browser.get(url)).status, 303)
    await administration.disallowSource(initech, { kind: 'oidc', source: site.idp.issuer })
    assert.equal((await browser.get(url)).status, 404)
  })

  test('is limited for one interaction', async () => {
    const browser = new Browser()
    browser.enter(site.issuer(site.globex), 'many')
    const statuses = []
    for (let i = 0; i < 21; i++) {
      const url = `${site.issuer(site.globex)}/interaction/many/federation/corporate`
      statuses.push((await browser.get(url)).status)
    }
    assert.deepEqual([...new Set(statuses)], [303, 429])
    assert.equal(statuses.at(-1), 429)
  })
})

describe('a provider', () => {
  const discoveries: readonly (readonly [string, string, Readonly<Record<string, unknown>>])[] = [
    ['that calls itself something else', 'wrong_issuer', { issuer: 'https://evil.example' }],
    [
      'whose token endpoint is on a private network',
      'provider_unreachable',
      { token_endpoint: 'https://10.0.0.1/token' },
    ],
    [
      'whose keys are at the metadata service',
      'provider_unreachable',
      { jwks_uri: 'http://169.254.169.254/latest' },
    ],
    [
      'whose authorization endpoint is a script',
      'provider_unreachable',
      { authorization_endpoint: 'javascript:alert(1)' },
    ],
    ['without a token endpoint', 'provider_unreachable', { token_endpoint: undefined }],
  ]
  for (const [index, [what, reason, discovery]] of discoveries.entries()) {
    test(`${what} is not gone to`, async () => {
      await site.connect(site.acme, `bad-${index}`)
      site.idp.discovery = discovery
      const browser = new Browser()
      browser.enter(site.issuer(site.acme), 'i')
      const url = `${site.issuer(site.acme)}/interaction/i/federation/bad-${index}`
      site.assertRefused(await browser.get(url), reason)
    })
  }
})
