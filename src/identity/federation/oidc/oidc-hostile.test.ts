import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { exportSPKI, generateKeyPair, SignJWT } from 'jose'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import { type HostileProvider, startHostileProvider } from './hostile-provider.test-support.ts'

const CLIENT = 'ringfence'
const SECRET = 'client-secret-of-this-test'

let site: FederationSite
let idp: HostileProvider
let acme: TenantId
let globex: TenantId

before(async () => {
  site = await startFederationSite()
  idp = await startHostileProvider()
  acme = await site.realm('acme')
  globex = await site.realm('globex')
  for (const tenant of [acme, globex]) await connect(tenant, 'corporate')
})
after(async () => {
  await idp.stop()
  await site.stop()
})
beforeEach(() => {
  idp.discovery = {}
  idp.tokenRequests.length = 0
  site.finished.length = 0
  site.logged.length = 0
})

async function connect(
  tenant: TenantId,
  id: string,
  config: Readonly<Record<string, unknown>> = {},
) {
  const { administration } = site.federation
  await administration.allowSource(tenant, { kind: 'oidc', source: idp.issuer })
  await administration.putConnection(tenant, id, {
    kind: 'oidc',
    displayName: 'Corporate',
    clientSecret: SECRET,
    config: { issuer: idp.issuer, clientId: CLIENT, provisioning: 'create', ...config },
  })
}

let interactions = 0

interface Started {
  readonly interaction: string
  readonly browser: Browser
  readonly callback: string
  readonly state: string
  readonly nonce: string
}

async function start(
  tenant: TenantId,
  connection = 'corporate',
  browser = new Browser(),
): Promise<Started> {
  const issuer = site.issuer(tenant)
  const interaction = `i-${++interactions}`
  browser.enter(issuer, interaction)
  const { location = '', text } = await browser.get(
    `${issuer}/interaction/${interaction}/federation/${connection}`,
  )
  assert.notEqual(location, '', text)
  const sent = new URL(location).searchParams
  return {
    interaction,
    browser,
    callback: sent.get('redirect_uri') ?? '',
    state: sent.get('state') ?? '',
    nonce: sent.get('nonce') ?? '',
  }
}

const good = ({ nonce }: Pick<Started, 'nonce'>) => {
  const now = Math.floor(Date.now() / 1000)
  return { iss: idp.issuer, aud: CLIENT, sub: 'u1', iat: now, exp: now + 60, nonce }
}

async function answer(
  { browser, callback }: Pick<Started, 'browser' | 'callback'>,
  parameters: Readonly<Record<string, string>>,
): Promise<Page> {
  const page = await browser.get(`${callback}?${query(parameters)}`)
  return page.location === undefined ? page : browser.follow(page.location)
}

/** Nobody is signed in, and the reason is in the log and nowhere else. */
function assertRefused(page: Page, reason: string): void {
  assert.equal(page.status, 403)
  assert.equal(site.finished.length, 0)
  assert.match(site.logged.at(-1) ?? '', new RegExp(reason))
  assert.doesNotMatch(page.text, new RegExp(reason))
}

test('a good answer signs in, so that each refusal below is for its own fault', async () => {
  const started = await start(acme)
  idp.idToken = () => idp.sign(good(started))
  const page = await answer(started, { code: 'c', state: started.state, iss: idp.issuer })
  assert.equal(page.text, 'finished')
  assert.equal(site.finished[0]?.interaction, started.interaction)
  const [asked] = idp.tokenRequests
  assert.equal(asked?.form.get('code'), 'c')
  assert.match(asked?.form.get('code_verifier') ?? '', /^[\w-]{43}$/)
  assert.match(asked?.authorization ?? '', /^Basic /)
})

describe('an ID token', () => {
  const cases: readonly (readonly [
    string,
    string,
    (started: Started) => Promise<string> | string,
  ])[] = [
    [
      'of another issuer',
      'wrong_issuer',
      (s) => idp.sign({ ...good(s), iss: 'https://evil.example' }),
    ],
    [
      'whose issuer has a slash more',
      'wrong_issuer',
      (s) => idp.sign({ ...good(s), iss: `${idp.issuer}/` }),
    ],
    ['for another audience', 'wrong_audience', (s) => idp.sign({ ...good(s), aud: 'another' })],
    [
      'for others as well',
      'wrong_audience',
      (s) => idp.sign({ ...good(s), aud: [CLIENT, 'another'], azp: CLIENT }),
    ],
    [
      'that another party asked for',
      'wrong_audience',
      (s) => idp.sign({ ...good(s), azp: 'another' }),
    ],
    ['with another nonce', 'wrong_request', (s) => idp.sign({ ...good(s), nonce: 'another' })],
    ['without a nonce', 'wrong_request', (s) => idp.sign({ ...good(s), nonce: undefined })],
    ['that has expired', 'expired', (s) => idp.sign({ ...good(s), exp: good(s).iat - 3600 })],
    [
      'that was issued long ago',
      'expired',
      (s) => idp.sign({ ...good(s), iat: good(s).iat - 3600 }),
    ],
    ['without a subject', 'response_invalid', (s) => idp.sign({ ...good(s), sub: undefined })],
    [
      'with an empty subject',
      'response_invalid|subject_missing',
      (s) => idp.sign({ ...good(s), sub: '' }),
    ],
    ['without a signature (none)', 'algorithm_refused', (s) => unsigned({ alg: 'none' }, good(s))],
    ['without a signature (NoNe)', 'algorithm_refused', (s) => unsigned({ alg: 'NoNe' }, good(s))],
    [
      'signed with the public key as a secret',
      'algorithm_refused',
      async (s) => {
        const header = part({ alg: 'HS256', kid: 'k1' })
        const signed = `${header}.${part(good(s))}`
        const secret = await exportSPKI(idp.publicKey)
        return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
      },
    ],
    [
      'signed with the client secret',
      'algorithm_refused',
      (s) =>
        new SignJWT(good(s))
          .setProtectedHeader({ alg: 'HS256' })
          .sign(Buffer.from(SECRET.padEnd(32, 'x'))),
    ],
    [
      'signed with an algorithm that is not pinned',
      'algorithm_refused',
      (s) => {
        return idp
          .sign(good(s), { alg: 'PS256' })
          .catch(() => unsigned({ alg: 'PS256', kid: 'k1' }, good(s)))
      },
    ],
    [
      'signed by another key under the same kid',
      'signature_invalid',
      async (s) => {
        const { privateKey } = await generateKeyPair('RS256')
        return new SignJWT(good(s)).setProtectedHeader({ alg: 'RS256', kid: 'k1' }).sign(privateKey)
      },
    ],
    [
      'that brings its own key',
      'signature_invalid',
      async (s) => {
        const { privateKey, publicKey } = await generateKeyPair('RS256', { extractable: true })
        const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), kid: 'k2' }
        return new SignJWT(good(s))
          .setProtectedHeader({
            alg: 'RS256',
            kid: 'k2',
            jwk,
            jku: 'https://evil.example',
          })
          .sign(privateKey)
      },
    ],
  ]
  for (const [what, reason, make] of cases) {
    test(`${what} signs nobody in`, async () => {
      const started = await start(acme)
      idp.idToken = () => make(started)
      assertRefused(
        await answer(started, { code: 'c', state: started.state, iss: idp.issuer }),
        reason,
      )
    })
  }
})

describe('an answer', () => {
  test('of another issuer (mix-up) is refused before the code is sent anywhere', async () => {
    const started = await start(acme)
    const page = await answer(started, {
      code: 'c',
      state: started.state,
      iss: 'https://evil.example',
    })
    assertRefused(page, 'wrong_issuer')
    assert.equal(idp.tokenRequests.length, 0)
  })

  test('without iss is refused when the provider announces it', async () => {
    await connect(acme, 'announced')
    idp.discovery = { authorization_response_iss_parameter_supported: true }
    const started = await start(acme, 'announced')
    assertRefused(await answer(started, { code: 'c', state: started.state }), 'wrong_issuer')
    assert.equal(idp.tokenRequests.length, 0)
  })

  test('is used once', async () => {
    const started = await start(acme)
    idp.idToken = () => idp.sign(good(started))
    const parameters = { code: 'c', state: started.state, iss: idp.issuer }
    const copies = started.browser.cookies
    assert.ok(copies.length > 0)
    const both = await Promise.all([
      started.browser.get(`${started.callback}?${query(parameters)}`),
      started.browser.get(`${started.callback}?${query(parameters)}`),
    ])
    assert.deepEqual(both.map(({ status }) => status).sort(), [303, 403])
    assert.equal(idp.tokenRequests.length, 1)
  })

  test('in another browser is refused: a code that an attacker obtained signs no victim in', async () => {
    const attacker = await start(acme)
    idp.idToken = () => idp.sign(good(attacker))
    const victim = await start(acme)
    const page = await answer(
      { browser: victim.browser, callback: attacker.callback },
      { code: 'c', state: attacker.state, iss: idp.issuer },
    )
    assertRefused(page, 'request_unknown')
    assert.equal(idp.tokenRequests.length, 0)
  })

  for (const [what, state] of [
    ['without state', undefined],
    ['with a state that nobody made', 'A'.repeat(43)],
    ['with something else as state', "' or 1=1 --"],
  ] as const) {
    test(`${what} is refused`, async () => {
      const started = await start(acme)
      const page = await answer(started, { code: 'c', iss: idp.issuer, ...(state && { state }) })
      assertRefused(page, 'request_unknown')
    })
  }

  test('with parameters twice is refused', async () => {
    const started = await start(acme)
    const twice = `code=c&state=${started.state}&state=${started.state}&iss=${idp.issuer}`
    assertRefused(await started.browser.get(`${started.callback}?${twice}`), 'request_unknown')
  })

  test('that is a refusal of the provider signs nobody in, and is not shown', async () => {
    const started = await start(acme)
    const page = await answer(started, {
      error: 'access_denied',
      error_description: '<script>planted</script>',
      state: started.state,
      iss: idp.issuer,
    })
    assertRefused(page, 'provider_refused')
    assert.ok(!page.text.includes('planted'))
  })

  test('to one realm is nothing in another, with all of its cookies', async () => {
    const started = await start(acme)
    idp.idToken = () => idp.sign(good(started))
    const elsewhere = started.callback.replace('/acme/', '/globex/')
    const page = await fetch(
      `${elsewhere}?${query({ code: 'c', state: started.state, iss: idp.issuer })}`,
      { headers: { cookie: cookiesFor(started) }, redirect: 'manual' },
    )
    assert.equal(page.status, 403)
    assert.equal(idp.tokenRequests.length, 0)
  })

  test('to one connection is nothing at another of the same realm and provider', async () => {
    await connect(acme, 'second')
    const started = await start(acme)
    const page = await fetch(
      `${started.callback.replace('/corporate/', '/second/')}?${query({
        code: 'c',
        state: started.state,
        iss: idp.issuer,
      })}`,
      { headers: { cookie: cookiesFor(started) }, redirect: 'manual' },
    )
    assert.equal(page.status, 403)
    assert.equal(idp.tokenRequests.length, 0)
  })
})

describe('the end of a sign-in', () => {
  test('is not reached from another interaction of the same browser', async () => {
    const started = await start(acme)
    idp.idToken = () => idp.sign(good(started))
    const parameters = { code: 'c', state: started.state, iss: idp.issuer }
    const { location = '' } = await started.browser.get(`${started.callback}?${query(parameters)}`)
    started.browser.enter(site.issuer(acme), 'another-one')
    const elsewhere = location.replace(started.interaction, 'another-one')
    assert.notEqual(elsewhere, location)
    const cookie = `interaction_of_this_test=another-one; ${cookiesFor(started)}`
    const page = await fetch(elsewhere, { headers: { cookie }, redirect: 'manual' })
    assert.equal(page.status, 403)
    assert.equal(site.finished.length, 0)
    assert.equal((await started.browser.get(location)).text, 'finished')
  })

  test('is not reached in another browser', async () => {
    const started = await start(acme)
    idp.idToken = () => idp.sign(good(started))
    const parameters = { code: 'c', state: started.state, iss: idp.issuer }
    const { location = '' } = await started.browser.get(`${started.callback}?${query(parameters)}`)
    const victim = new Browser()
    victim.enter(site.issuer(acme), started.interaction)
    assertRefused(await victim.get(location), 'request_unknown')
  })

  test('happens once', async () => {
    const started = await start(acme)
    idp.idToken = () => idp.sign(good(started))
    const parameters = { code: 'c', state: started.state, iss: idp.issuer }
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
      browser.get(`${site.issuer(acme)}/interaction/${interaction}/federation/corporate`)
    assertRefused(await at('mine'), 'request_unknown')
    browser.enter(site.issuer(acme), 'mine')
    assertRefused(await at('anothers'), 'request_unknown')
    assert.equal((await at('mine')).status, 303)
  })

  test('at a connection that there is not, or is off, or whose provider is not allowed, is no page', async () => {
    const { administration } = site.federation
    await connect(acme, 'off')
    await administration.putConnection(acme, 'off', {
      kind: 'oidc',
      displayName: 'Off',
      enabled: false,
      config: { issuer: idp.issuer, clientId: CLIENT },
    })
    const browser = new Browser()
    browser.enter(site.issuer(acme), 'i')
    const pages = []
    for (const id of ['off', 'nobody', 'UPPER', "x'--"]) {
      pages.push(await browser.get(`${site.issuer(acme)}/interaction/i/federation/${id}`))
    }
    assert.deepEqual(
      [...new Set(pages.map(({ status, text }) => `${status} ${text}`))],
      ['404 not here'],
    )
    const initech = await site.realm('initech')
    await connect(initech, 'corporate')
    browser.enter(site.issuer(initech), 'i')
    const url = `${site.issuer(initech)}/interaction/i/federation/corporate`
    assert.equal((await browser.get(url)).status, 303)
    await administration.disallowSource(initech, { kind: 'oidc', source: idp.issuer })
    assert.equal((await browser.get(url)).status, 404)
  })

  test('is limited for one interaction', async () => {
    const browser = new Browser()
    browser.enter(site.issuer(globex), 'many')
    const statuses = []
    for (let i = 0; i < 21; i++) {
      const url = `${site.issuer(globex)}/interaction/many/federation/corporate`
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
      await connect(acme, `bad-${index}`)
      idp.discovery = discovery
      const browser = new Browser()
      browser.enter(site.issuer(acme), 'i')
      const url = `${site.issuer(acme)}/interaction/i/federation/bad-${index}`
      assertRefused(await browser.get(url), reason)
    })
  }
})

/** All that the browser has, sent where it would not send it. */
function cookiesFor({ browser }: Started): string {
  return browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
}

function query(parameters: Readonly<Record<string, string>>): string {
  return new URLSearchParams(parameters).toString()
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function unsigned(header: unknown, claims: unknown): string {
  return `${part(header)}.${part(claims)}.`
}
