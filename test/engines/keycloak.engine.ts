import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { TenantId } from '../../src/core/tenant.ts'
import { Browser, type Page } from '../../src/identity/federation/browser.test-support.ts'
import {
  type FederationSite,
  startFederationSite,
} from '../../src/identity/federation/federation-site.test-support.ts'
import { type Keycloak, startKeycloak } from './keycloak-server.ts'

const SECRET = 'client-secret-of-this-test-only'
const PASSWORD = 'password-of-this-test-only'
const ANN = {
  username: 'ann',
  email: 'ann@acme.example',
  emailVerified: true,
  firstName: 'Ann',
  lastName: 'Able',
  enabled: true,
  credentials: [{ type: 'password', value: PASSWORD }],
}

let site: FederationSite
let keycloak: Keycloak
let acme: TenantId
let globex: TenantId
let interactions = 0

before(async () => {
  site = await startFederationSite()
  acme = await site.realm('acme')
  globex = await site.realm('globex')
  keycloak = await startKeycloak(process.env['RINGFENCE_TEST_KEYCLOAK'] ?? '')
  for (const realm of ['corporate', 'staff']) {
    const made = { realm, enabled: true, sslRequired: 'none', users: [ANN] }
    await keycloak.administer('POST', '/realms', made)
  }
  await connectOidc()
  await connectSaml()
})
after(async () => {
  await keycloak?.stop()
  await site?.stop()
})
beforeEach(() => {
  site.finished.length = 0
  site.logged.length = 0
})

/** One client of Keycloak's for both realms, and one for acme that is known by a key of ours. */
async function connectOidc(): Promise<void> {
  const { administration } = site.federation
  const issuer = `${keycloak.origin}/realms/corporate`
  const client = { protocol: 'openid-connect', publicClient: false, standardFlowEnabled: true }
  const pkce = { 'pkce.code.challenge.method': 'S256' }
  const callbacks: string[] = []
  for (const tenant of [acme, globex]) {
    await administration.allowSource(tenant, { kind: 'oidc', source: issuer })
    await administration.putConnection(tenant, 'oidc', {
      kind: 'oidc',
      displayName: 'Keycloak',
      clientSecret: SECRET,
      config: { issuer, clientId: 'ringfence', provisioning: 'create', requireIss: true },
    })
    const setup = await administration.setup(tenant, 'oidc')
    callbacks.push(setup.kind === 'oidc' ? setup.redirectUri : '')
  }
  await keycloak.administer('POST', '/realms/corporate/clients', {
    ...client,
    clientId: 'ringfence',
    secret: SECRET,
    redirectUris: callbacks,
    attributes: pkce,
  })
  await administration.putConnection(acme, 'keyed', {
    kind: 'oidc',
    displayName: 'Keycloak by key',
    config: { issuer, clientId: 'keyed', clientAuth: 'private_key_jwt', provisioning: 'create' },
  })
  const keyed = await administration.setup(acme, 'keyed')
  assert.ok(keyed.kind === 'oidc')
  await keycloak.administer('POST', '/realms/corporate/clients', {
    ...client,
    clientId: 'keyed',
    clientAuthenticatorType: 'client-jwt',
    redirectUris: [keyed.redirectUri],
    attributes: {
      ...pkce,
      'use.jwks.string': 'true',
      'jwks.string': JSON.stringify({ keys: [keyed.clientJwk] }),
      'token.endpoint.auth.signing.alg': 'ES256',
    },
  })
}

/** Keycloak reads our metadata itself; it is one that nobody here wrote. */
async function connectSaml(): Promise<void> {
  const { administration } = site.federation
  const entityId = `${keycloak.origin}/realms/staff`
  const ssoUrl = `${entityId}/protocol/saml`
  const descriptor = await (await fetch(`${ssoUrl}/descriptor`)).text()
  const encoded = /<ds:X509Certificate>([^<]+)</.exec(descriptor)?.[1] ?? ''
  const certificate = `-----BEGIN CERTIFICATE-----\n${encoded}\n-----END CERTIFICATE-----`
  for (const [tenant, id, encrypted] of [
    [acme, 'saml', false],
    [globex, 'saml', false],
    [acme, 'encrypted', true],
  ] as const) {
    await administration.allowSource(tenant, { kind: 'saml', source: entityId })
    await administration.putConnection(tenant, id, {
      kind: 'saml',
      displayName: `Keycloak ${id}`,
      config: {
        entityId,
        trust: { ssoUrl, certificates: [certificate] },
        provisioning: 'create',
        encryption: encrypted ? 'required' : 'off',
        mapping: { email: { claim: 'email' }, displayName: { claim: 'given' } },
      },
    })
    const setup = await administration.setup(tenant, id)
    assert.ok(setup.kind === 'saml')
    const converter = '/realms/staff/client-description-converter'
    const read = (await keycloak.administer('POST', converter, setup.metadata)) as SamlClient
    assert.equal(read.clientId, setup.entityId)
    assert.equal(read.attributes['saml.client.signature'], 'true')
    assert.equal(read.attributes['saml.encrypt'] ?? 'false', String(encrypted))
    await keycloak.administer('POST', '/realms/staff/clients', {
      ...read,
      protocolMappers: [mapper('email', 'email'), mapper('firstName', 'given')],
      attributes: {
        ...read.attributes,
        // What our metadata asks for; Keycloak takes over the certificate alone.
        'saml.encryption.algorithm': 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
        'saml.encryption.keyAlgorithm': 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
        'saml.encryption.digestMethod': 'http://www.w3.org/2000/09/xmldsig#sha1',
      },
    })
  }
}

interface SamlClient {
  readonly clientId: string
  readonly attributes: Readonly<Record<string, string>>
}

function mapper(property: string, attribute: string) {
  return {
    name: attribute,
    protocol: 'saml',
    protocolMapper: 'saml-user-property-mapper',
    config: {
      'user.attribute': property,
      'attribute.name': attribute,
      'attribute.nameformat': 'Basic',
    },
  }
}

interface Visit {
  readonly browser: Browser
  readonly page: Page
}

/** From the realm to Keycloak's login page, and what comes of the password there. */
async function signIn(tenant: TenantId, connection: string, password = PASSWORD): Promise<Visit> {
  const browser = new Browser()
  const interaction = `k-${++interactions}`
  const issuer = site.issuer(tenant)
  browser.enter(issuer, interaction)
  const login = await browser.follow(
    `${issuer}/interaction/${interaction}/federation/${connection}`,
  )
  const { action } = formOf(login)
  const page = await browser.post(action, { username: 'ann', password, credentialId: '' })
  return { browser, page }
}

async function byOidc(tenant: TenantId, connection = 'oidc'): Promise<Page> {
  const { browser, page } = await signIn(tenant, connection)
  assert.ok(page.location, page.text)
  return browser.follow(page.location)
}

async function bySaml(tenant: TenantId, connection = 'saml'): Promise<Page & Visit> {
  const { browser, page } = await signIn(tenant, connection)
  const { action, fields } = formOf(page)
  const answered = await browser.post(action, fields)
  const end = answered.location === undefined ? answered : await browser.follow(answered.location)
  return { ...end, browser, page }
}

/** The form of a page and its hidden fields. */
function formOf({ text, status }: Page) {
  const plain = (value: string) => value.replaceAll('&amp;', '&').replaceAll('&#x2B;', '+')
  const action = /<form[^>]*\baction="([^"]+)"/i.exec(text)?.[1]
  assert.ok(action, `${status} ${text}`)
  const fields: Record<string, string> = {}
  for (const [input] of text.matchAll(/<input[^>]*type="hidden"[^>]*>/gi)) {
    const name = /name="([^"]*)"/i.exec(input)?.[1]
    if (name !== undefined) fields[name] = plain(/value="([^"]*)"/i.exec(input)?.[1] ?? '')
  }
  return { action: plain(action), fields }
}

async function accountOf(tenant: TenantId) {
  const subject = site.finished.at(-1)?.subject
  assert.ok(subject, site.logged.join())
  return site.base.directory.account(tenant, subject)
}

describe('with Keycloak as OpenID provider', () => {
  test('a person signs in and is one user of the realm, each time', async () => {
    assert.equal((await byOidc(acme)).text, 'finished', site.logged.join())
    const account = await accountOf(acme)
    assert.equal(account?.displayName, 'Ann Able')
    assert.equal(account?.email, ANN.email)
    assert.equal(account?.emailVerified, false)
    await byOidc(acme)
    assert.equal(site.finished[0]?.subject, site.finished[1]?.subject)
  })

  test('the same person is another user in another realm', async () => {
    await byOidc(acme)
    await byOidc(globex)
    assert.notEqual(site.finished[0]?.subject, site.finished[1]?.subject)
    assert.ok(await accountOf(globex))
  })

  test('a client that is known by a key of ours signs in too', async () => {
    assert.equal((await byOidc(acme, 'keyed')).text, 'finished', site.logged.join())
  })

  test('a wrong password signs nobody in', async () => {
    const { page } = await signIn(acme, 'oidc', 'wrong')
    assert.equal(page.location, undefined)
    assert.match(page.text, /Invalid username or password/)
    assert.equal(site.finished.length, 0)
  })

  test('an answer to one realm is nothing in another', async () => {
    const { browser, page } = await signIn(acme, 'oidc')
    const elsewhere = (page.location ?? '').replace('/realms/acme/', '/realms/globex/')
    assert.match(elsewhere, /globex.*code=/)
    assert.equal((await browser.get(elsewhere)).status, 403)
    assert.equal(site.finished.length, 0)
  })
})

describe('with Keycloak as SAML provider', () => {
  test('a person signs in and is one user of the realm, each time', async () => {
    assert.equal((await bySaml(acme)).text, 'finished', site.logged.join())
    const account = await accountOf(acme)
    assert.equal(account?.displayName, 'Ann')
    assert.equal(account?.email, ANN.email)
    await bySaml(acme)
    assert.equal(site.finished[0]?.subject, site.finished[1]?.subject)
  })

  test('the same person is another user in another realm', async () => {
    await bySaml(acme)
    await bySaml(globex)
    assert.notEqual(site.finished[0]?.subject, site.finished[1]?.subject)
    assert.ok(await accountOf(globex))
  })

  test('an encrypted assertion signs in', async () => {
    const { text, page } = await bySaml(acme, 'encrypted')
    assert.equal(text, 'finished', site.logged.join())
    const sent = Buffer.from(formOf(page).fields['SAMLResponse'] ?? '', 'base64').toString()
    assert.match(sent, /EncryptedAssertion/)
    assert.ok(!sent.includes(ANN.email))
  })

  test('a response that is handed in again, or in another realm, signs nobody in', async () => {
    const { browser, page, text } = await bySaml(acme)
    assert.equal(text, 'finished', site.logged.join())
    const { action, fields } = formOf(page)
    site.finished.length = 0
    assert.equal((await browser.post(action, fields)).status, 403)
    const elsewhere = action.replace('/realms/acme/', '/realms/globex/')
    assert.equal((await browser.post(elsewhere, fields)).status, 403)
    assert.equal(site.finished.length, 0)
  })
})
