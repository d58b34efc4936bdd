import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { BASE } from '../identity-site.test-support.ts'
import {
  type SessionsSite,
  type SiteRealm,
  startSessionsSite,
} from '../sessions/sessions-site.test-support.ts'
import { ALICE } from './provider-site.test-support.ts'

const ALL = 'openid profile email read'

let site: SessionsSite
let acme: SiteRealm
let globex: SiteRealm
before(async () => {
  site = await startSessionsSite()
  acme = await site.newRealm('acme')
  globex = await site.newRealm('globex')
  for (const { tenant } of [acme, globex]) {
    await site.identity.parts.directory.changeAccount(tenant, ALICE, {
      displayName: `Alice of ${tenant}`,
      email: `alice@${tenant}.test`,
      emailVerified: true,
    })
  }
})
after(() => site.stop())

const signedIn = ({ app }: SiteRealm, scope: string, more = {}) =>
  site.signIn(app, undefined, { scope, ...more })

/** What the endpoint of a realm answers to a token. */
async function answer({ tenant }: SiteRealm, token: string, scheme = 'Bearer') {
  const headers = { authorization: `${scheme} ${token}` }
  const { status, headers: said, text } = await site.ask(`/realms/${tenant}/userinfo`, { headers })
  return { status, challenge: String(said['www-authenticate']), body: text }
}

test('a client reads what its user has granted, and openid-client takes it for the user’s', async () => {
  const tokens = await signedIn(acme, ALL)
  const info = await client.fetchUserInfo(acme.app, tokens.access_token, 'alice')
  assert.deepEqual(
    { ...info },
    {
      sub: 'alice',
      tenant_id: 'acme',
      name: 'Alice of acme',
      email: 'alice@acme.test',
      email_verified: true,
    },
  )
  const { iss: _, aud: __, ...id } = decodeJwt(String(tokens.id_token))
  for (const name of Object.keys(info)) assert.deepEqual(id[name], info[name], name)
})

test('it says no more than the scopes of this very token', async () => {
  const some = await signedIn(acme, 'openid email read')
  const info = await client.fetchUserInfo(acme.app, some.access_token, 'alice')
  assert.deepEqual(Object.keys(info).toSorted(), ['email', 'email_verified', 'sub', 'tenant_id'])
  const offline = await signedIn(acme, `${ALL} offline_access`, { prompt: 'consent' })
  const less = await client.refreshTokenGrant(acme.app, String(offline.refresh_token), {
    scope: 'openid read',
  })
  const bare = await client.fetchUserInfo(acme.app, less.access_token, 'alice')
  assert.deepEqual(Object.keys(bare).toSorted(), ['sub', 'tenant_id'])
})

test('a token without openid reads nothing, whatever else its user has granted', async () => {
  const browser = site.browser()
  await site.signIn(acme.app, browser, { scope: ALL })
  const { url, verifier } = await site.authorize(acme.app, browser, { scope: 'read' })
  const { access_token } = await client.authorizationCodeGrant(acme.app, url, {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
  })
  assert.equal((await answer(acme, access_token)).status, 403)
  const own = await client.clientCredentialsGrant(acme.app, { scope: 'read' })
  assert.ok((await answer(acme, own.access_token)).status >= 401)
  const { access_token: issued } = await site.identity.realms.issueFor(acme.tenant, ALICE)
  assert.ok((await answer(acme, issued)).status >= 401)
})

test('a token that was exchanged reads nothing: who acts is not whom the user has told', async () => {
  const { access_token } = await signedIn(acme, ALL)
  const exchanged = await client.genericGrantRequest(
    acme.app,
    'urn:ietf:params:oauth:grant-type:token-exchange',
    {
      subject_token: access_token,
      subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    },
  )
  assert.equal((await answer(acme, exchanged.access_token)).status, 403)
})

test('a token of one realm is nothing at another, and as little as one that was made up', async () => {
  const { access_token } = await signedIn(acme, ALL)
  const other = await answer(globex, access_token)
  const nothing = await answer(globex, 'a.b.c')
  assert.equal(other.status, 401)
  assert.deepEqual(other, nothing)
  assert.doesNotMatch(other.body, /acme|alice/i)
})

test('a token whose session, user or self was taken back reads nothing any more', async () => {
  const { realms, parts } = site.identity
  for (const end of [
    (token: string) => client.tokenRevocation(acme.app, token),
    (token: string) =>
      parts.sessionAdministration.endSession(acme.tenant, String(decodeJwt(token)['sid'])),
    () => parts.directory.changeAccount(acme.tenant, ALICE, { active: false }),
  ]) {
    const { access_token } = await signedIn(acme, ALL)
    assert.equal((await answer(acme, access_token)).status, 200)
    await end(access_token)
    const late = await answer(acme, access_token)
    assert.equal(late.status, 401)
    assert.match(late.challenge, /invalid_token/)
  }
  await realms.putUser(acme.tenant, ALICE, { roles: ['nurse'], scopes: ['read', 'write'] })
  await parts.directory.changeAccount(acme.tenant, ALICE, { active: true })
})

test('a token that is bound to a key is nothing without a proof of it', async () => {
  const dpop = client.getDPoPHandle(globex.app, await client.randomDPoPKeyPair('ES256'))
  const { url, verifier } = await site.authorize(globex.app, undefined, { scope: ALL })
  const { access_token, token_type } = await client.authorizationCodeGrant(
    globex.app,
    url,
    { pkceCodeVerifier: verifier, expectedState: 'the-state', idTokenExpected: true },
    undefined,
    { DPoP: dpop },
  )
  assert.equal(token_type, 'dpop')
  const info = await client.fetchUserInfo(globex.app, access_token, 'alice', { DPoP: dpop })
  assert.equal(info['tenant_id'], 'globex')
  assert.equal((await answer(globex, access_token)).status, 401)
  assert.equal((await answer(globex, access_token, 'DPoP')).status, 400)
})

test('the realm says where the endpoint is, and nobody keeps what it answers', async () => {
  const { userinfo_endpoint } = globex.app.serverMetadata()
  assert.equal(userinfo_endpoint, `${BASE}/realms/globex/userinfo`)
  const { access_token } = await signedIn(globex, ALL)
  const headers = { authorization: `Bearer ${access_token}` }
  const { headers: said } = await site.ask('/realms/globex/userinfo', { headers })
  assert.match(String(said['cache-control']), /no-store/)
  const inAddress = await site.ask(`/realms/globex/userinfo?access_token=${access_token}`, {})
  assert.ok(inAddress.status >= 400)
})
