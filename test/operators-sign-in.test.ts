import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { OPERATOR_CLI_CLIENT } from '../src/control/operators/operator-access.ts'
import { OperatorsRealm } from '../src/control/operators/operators-realm.ts'
import { parseSubject } from '../src/core/names.ts'
import { OPERATORS_REALM } from '../src/core/operators-realm.ts'
import { parseTenantId } from '../src/core/tenant.ts'
import {
  type ProviderSite,
  startProviderSite,
} from '../src/identity/provider/provider-site.test-support.ts'

const CONTROL_API = 'urn:ringfence:control'
const LOOPBACK = 'http://127.0.0.1:49321/signed-in'

/** The operators' realm as the identity plane really serves it, and what the control API makes of it. */
let site: ProviderSite
let people: OperatorsRealm

before(async () => {
  site = await startProviderSite({ operatorsAudience: CONTROL_API })
  const { realms } = site.identity
  people = new OperatorsRealm({ realms, audience: CONTROL_API })
  await realms.putUser(OPERATORS_REALM, parseSubject('jane'), { roles: ['security'], scopes: [] })
  Object.assign(site.signsIn, { subject: 'jane', acr: 'urn:ringfence:acr:2', amr: ['otp', 'pwd'] })
})
after(() => site?.stop())

const cli = (realm = OPERATORS_REALM) =>
  site.app(realm, client.None(), { client_id: OPERATOR_CLI_CLIENT })

async function signIn(config: client.Configuration, redirect = LOOPBACK) {
  const verifier = client.randomPKCECodeVerifier()
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: redirect,
    scope: 'openid',
    acr_values: 'urn:ringfence:acr:2',
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state: 'the-state',
  })
  const back = new URL(await site.browser().until(url.href, redirect))
  return client.authorizationCodeGrant(config, back, {
    pkceCodeVerifier: verifier,
    expectedState: 'the-state',
    idTokenExpected: true,
  })
}

describe('an operator who signs in from the command line', () => {
  test('is known to the control API, with the roles of the realm and two factors', async () => {
    const { access_token } = await signIn(await cli())
    const actor = await people.authenticate(access_token, 'r1')
    assert.equal(actor.name, 'person:jane')
    assert.deepEqual(actor.signedIn?.roles, ['security'])
    assert.ok(actor.scopes.includes('operators:write'))
  })

  test('goes on with a refresh token, which is good once', async () => {
    const config = await cli()
    const { refresh_token } = await signIn(config)
    const next = await client.refreshTokenGrant(config, String(refresh_token))
    const actor = await people.authenticate(next.access_token, 'r1')
    assert.equal(actor.signedIn?.twoFactors, true)
    await assert.rejects(client.refreshTokenGrant(config, String(refresh_token)))
  })

  test('gets the roles of the moment at which the token is issued', async () => {
    const { realms } = site.identity
    const config = await cli()
    const { refresh_token } = await signIn(config)
    await realms.putUser(OPERATORS_REALM, parseSubject('jane'), { roles: ['viewer'], scopes: [] })
    const next = await client.refreshTokenGrant(config, String(refresh_token))
    assert.deepEqual((await people.authenticate(next.access_token, 'r1')).signedIn?.roles, [
      'viewer',
    ])
    await realms.putUser(OPERATORS_REALM, parseSubject('jane'), { roles: ['security'], scopes: [] })
  })

  test('is let in by the code of a device, too', async () => {
    const config = await cli()
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    assert.match(device.verification_uri, /\/realms\/ringfence-operators\//)
  })
})

describe('whoever signs in elsewhere is nobody at the control API', () => {
  test('a tenant’s realm does not know the operators’ client', async () => {
    await site.realm('acme')
    await assert.rejects(signIn(await cli(parseTenantId('acme'))))
  })

  test('a token of a tenant’s realm, whose tenant calls its user security, is refused', async () => {
    const { tenant, secret } = await site.realm('globex')
    await site.identity.realms.putUser(tenant, parseSubject('jane'), {
      roles: ['security'],
      scopes: ['read'],
    })
    const config = await site.app(tenant, secret)
    const { access_token } = await site.signIn(config, undefined, { scope: 'openid read' })
    await assert.rejects(people.authenticate(access_token, 'r1'), { code: 'not_authenticated' })
  })

  test('the operators’ realm gives no token for the platform’s API', async () => {
    const config = await cli()
    const verifier = client.randomPKCECodeVerifier()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: LOOPBACK,
      scope: 'openid',
      resource: 'https://api.test/',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const back = new URL(await site.browser().until(url.href, LOOPBACK))
    assert.equal(back.searchParams.get('error'), 'invalid_target')
  })

  test('the client sends nobody to another place than this machine', async () => {
    await assert.rejects(signIn(await cli(), 'http://evil.example/signed-in'))
    await assert.rejects(signIn(await cli(), 'http://127.0.0.1:49321/other'))
  })
})
