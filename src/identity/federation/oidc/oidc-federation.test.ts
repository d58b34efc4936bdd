import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import { type FriendlyProvider, startFriendlyProvider } from './friendly-provider.test-support.ts'

const SECRET = 'client-secret-of-this-test-only'
const ANN = {
  id: 'ann-at-idp',
  claims: {
    email: 'ann@acme.example',
    email_verified: true,
    name: 'Ann Able',
    groups: ['Doctors', 'Skiers'],
    phone_number: 'planted-phone',
  },
}

let site: FederationSite
let idp: FriendlyProvider
let acme: TenantId
let globex: TenantId

before(async () => {
  site = await startFederationSite()
  acme = await site.realm('acme')
  globex = await site.realm('globex')
  idp = await startFriendlyProvider(async (issuer) => {
    const client = { scope: 'openid email profile groups' }
    const callbacks =
      (...tenants: TenantId[]) =>
      (id: string) =>
        tenants.map((tenant) => `${site.issuer(tenant)}/federation/${id}/callback`)
    const clientJwk = await keyedConnection(issuer)
    return [
      {
        ...client,
        client_id: 'ringfence',
        client_secret: SECRET,
        redirect_uris: callbacks(acme, globex)('corporate'),
      },
      {
        ...client,
        client_id: 'keyed',
        redirect_uris: callbacks(acme)('keyed'),
        token_endpoint_auth_method: 'private_key_jwt',
        id_token_signed_response_alg: 'ES256',
        jwks: { keys: [clientJwk] },
      },
    ]
  })
  const { administration } = site.federation
  for (const tenant of [acme, globex]) {
    await administration.allowSource(tenant, { kind: 'oidc', source: idp.issuer })
    await connect(tenant)
  }
})
after(async () => {
  await idp.stop()
  await site.stop()
})
beforeEach(() => {
  idp.person = ANN
  site.finished.length = 0
  site.logged.length = 0
})

/** Knows the provider by a key that we made. */
async function keyedConnection(issuer: string) {
  const { administration } = site.federation
  await administration.allowSource(acme, { kind: 'oidc', source: issuer })
  await administration.putConnection(acme, 'keyed', {
    kind: 'oidc',
    displayName: 'Keyed',
    config: {
      issuer,
      clientId: 'keyed',
      clientAuth: 'private_key_jwt',
      provisioning: 'create',
      trustFactors: true,
    },
  })
  const setup = await administration.setup(acme, 'keyed')
  assert.ok(setup.kind === 'oidc' && setup.clientJwk !== undefined)
  return setup.clientJwk
}

async function connect(tenant: TenantId, config: Readonly<Record<string, unknown>> = {}) {
  await site.federation.administration.putConnection(tenant, 'corporate', {
    kind: 'oidc',
    displayName: 'Corporate',
    clientSecret: SECRET,
    config: {
      issuer: idp.issuer,
      clientId: 'ringfence',
      scopes: ['openid', 'email', 'profile', 'groups'],
      provisioning: 'create',
      ...config,
    },
  })
}

let interactions = 0
/** From the realm's sign-in page through the provider to the end. */
async function signIn(
  tenant: TenantId,
  browser = new Browser(),
  label = 'Corporate',
): Promise<Page> {
  const interaction = `f-${++interactions}`
  browser.enter(site.issuer(tenant), interaction)
  const choices = await site.federation.choices.all(site.context(tenant), interaction)
  const choice = choices.find((one) => one.label === label)
  assert.ok(choice)
  return browser.follow(`${site.origin}${choice.href}`)
}

test('a person signs in through a provider that nobody here wrote', async () => {
  assert.equal((await signIn(acme)).text, 'finished', site.logged.join())
  const [done] = site.finished
  assert.equal(done?.interaction, `f-${interactions}`)
  assert.equal(done?.connection, 'corporate')
  assert.ok(done)
  const account = await site.base.directory.account(acme, done.subject)
  assert.equal(account?.displayName, 'Ann Able')
  assert.equal(account?.emailVerified, false)
  assert.notEqual(done.subject, ANN.id)
})

test('nothing of the person is kept that is not mapped', async () => {
  await signIn(acme)
  const { rows } = await site.base.admin.query<{ text: string }>(
    `select string_agg(t::text, '') as text from (
       select a::text as t from identity.account a union all
       select l::text from identity.federation_link l union all
       select r::text from identity.federation_request r) all_rows (t)`,
  )
  assert.ok(rows[0]?.text.includes('ann@acme.example'))
  assert.ok(!rows[0]?.text.includes('planted-phone'))
  assert.ok(!rows[0]?.text.includes('Skiers'))
})

test('the same person at the same provider is another user in another realm', async () => {
  await signIn(acme)
  await signIn(globex)
  const [inAcme, inGlobex] = site.finished
  assert.ok(inAcme && inGlobex)
  assert.notEqual(inAcme.subject, inGlobex.subject)
  assert.equal(await site.base.directory.account(globex, inAcme.subject), undefined)
  assert.equal(await site.base.directory.account(acme, inGlobex.subject), undefined)
})

test('one browser signs in to two realms at once without mixing them up', async () => {
  const browser = new Browser()
  const pages = [
    await signIn(acme, browser),
    await signIn(globex, browser),
    await signIn(acme, browser),
  ]
  assert.deepEqual(
    pages.map(({ text }) => text),
    ['finished', 'finished', 'finished'],
  )
  const [first, , third] = site.finished
  assert.equal(first?.subject, third?.subject)
})

test('who is refused there is not signed in here', async () => {
  idp.person = undefined
  const page = await signIn(acme)
  assert.equal(page.status, 403)
  assert.match(site.logged.at(-1) ?? '', /provider_refused/)
  assert.equal(site.finished.length, 0)
})

test('a person whom the realm does not know is refused where nobody is made', async () => {
  await connect(globex, { provisioning: 'off' })
  idp.person = { ...ANN, id: 'stranger-at-idp' }
  assert.equal((await signIn(globex)).status, 403)
  assert.match(site.logged.at(-1) ?? '', /not_linked/)
  await connect(globex)
})

test('cookies are for one connection of one realm, not for scripts, and do not stay', async () => {
  const browser = new Browser()
  browser.enter(site.issuer(acme), 'cookies')
  const url = `${site.issuer(acme)}/interaction/cookies/federation/corporate`
  const begun = await browser.get(url)
  const [cookie = '', ...more] = begun.headers.getSetCookie()
  assert.equal(more.length, 0)
  assert.match(cookie, /; Path=\/realms\/acme\/federation\/corporate;/)
  assert.match(cookie, /; HttpOnly/)
  assert.match(cookie, /; SameSite=Lax/)
  assert.equal((await browser.follow(begun.location ?? '')).text, 'finished')
  assert.deepEqual(
    browser.cookies.filter(({ path }) => path.includes('/federation/')),
    [],
  )
})

test('a provider that knows us by our key signs in too, and is believed about factors if we say so', async () => {
  idp.person = { ...ANN, amr: ['pwd', 'otp'] }
  assert.equal((await signIn(acme, new Browser(), 'Keyed')).text, 'finished', site.logged.join())
  assert.equal(site.finished[0]?.connection, 'keyed')
  assert.deepEqual(site.finished[0]?.amr, ['pwd', 'otp'])
  await signIn(acme)
  assert.deepEqual(site.finished[1]?.amr, [])
})
