import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId, parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { API_KEY_CLIENT } from './built-in-clients.ts'
import { exchange, service } from './exchange.test-support.ts'
import {
  ALICE,
  type ProviderSite,
  refused,
  startProviderSite,
} from './provider-site.test-support.ts'
import { ACCESS_TOKEN_TYPE, API_KEY_TYPE } from './token-exchange.ts'
import { TOKEN_EXCHANGE } from './realm-settings.ts'

let site: ProviderSite
let acme: TenantId
let globex: TenantId
let app: client.Configuration
let globexApp: client.Configuration
before(async () => {
  site = await startProviderSite()
  const one = await site.realm('acme')
  acme = one.tenant
  app = await site.app(acme, one.secret)
  const other = await site.realm('globex')
  globex = other.tenant
  globexApp = await site.app(other.tenant, other.secret)
})
after(() => site.stop())

describe('token exchange', () => {
  test('gives a narrower token of the same user in which the client says that it acts', async () => {
    const reports = await service(site, acme, 'reports')
    const signedIn = await site.signIn(app)
    const before = await site.verify(acme, signedIn.access_token)
    const tokens = await exchange(reports, signedIn.access_token, { scope: 'read' })
    const after = await site.verify(acme, tokens.access_token)
    assert.deepEqual(after.actor, { subject: 'reports' })
    assert.deepEqual([after.subject, after.client], ['alice', 'reports'])
    assert.deepEqual([after.scopes, after.roles], [['read'], ['nurse']])
    assert.deepEqual(
      [after.session, after.acr, after.authenticatedAt],
      [before.session, before.acr, before.authenticatedAt],
    )
    assert.ok(after.expiresAt <= before.expiresAt)
    assert.equal(tokens['issued_token_type'], ACCESS_TOKEN_TYPE)
    await assert.rejects(
      exchange(reports, tokens.access_token, { scope: 'read write' }),
      refused('invalid_scope'),
    )
  })

  test('never gives roles and scopes back that the user has lost, nor those won since', async () => {
    const reports = await service(site, acme, 'later')
    const carol = parseSubject('carol')
    await site.identity.realms.putUser(acme, carol, {
      roles: ['a', 'b'],
      scopes: ['read', 'write'],
    })
    const issued = await site.identity.realms.issueFor(acme, carol)
    await site.identity.realms.putUser(acme, carol, { roles: ['b', 'c'], scopes: ['read'] })
    const { access_token } = await exchange(reports, issued.access_token)
    const access = await site.verify(acme, access_token)
    assert.deepEqual([access.roles, access.scopes], [['b'], ['read']])
    await site.identity.realms.removeUser(acme, carol)
    await assert.rejects(exchange(reports, issued.access_token), refused('invalid_grant'))
  })

  test('has an end to how many act for each other, and counts each once', async () => {
    const services = await Promise.all(
      ['first', 'second', 'third', 'fourth', 'fifth'].map((name) => service(site, acme, name)),
    )
    let token = (await client.clientCredentialsGrant(app)).access_token
    const chain: string[] = []
    for (const config of services.slice(0, 4)) {
      token = (await exchange(config, token)).access_token
      token = (await exchange(config, token)).access_token
      chain.unshift(config.clientMetadata().client_id)
    }
    const { actor } = await site.verify(acme, token)
    const seen: string[] = []
    for (let one = actor; one !== undefined; one = one.actor) seen.push(one.subject)
    assert.deepEqual(seen, chain)
    const [, , , , fifth] = services
    assert.ok(fifth !== undefined)
    await assert.rejects(exchange(fifth, token), refused('invalid_grant'))
  })

  test('takes no token of another realm, of another audience, expired, changed, or bound to a key not shown', async () => {
    const reports = await service(site, acme, 'picky')
    const foreign = await client.clientCredentialsGrant(globexApp)
    await assert.rejects(exchange(reports, foreign.access_token), refused('invalid_grant'))
    const { access_token } = await client.clientCredentialsGrant(app)
    const [head, , signature] = access_token.split('.')
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const { alg: _alg, ...header } = JSON.parse(
      Buffer.from(head ?? '', 'base64url').toString(),
    ) as Record<string, unknown>
    const claims = JSON.parse(
      Buffer.from(access_token.split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>
    for (const token of [
      `${head}.${part({ ...claims, scope: 'read write admin' })}.${signature}`,
      `${part({ ...header, alg: 'none' })}.${part(claims)}.`,
      'x',
      '',
    ]) {
      await assert.rejects(exchange(reports, token), client.ResponseBodyError)
    }
    const DPoP = client.getDPoPHandle(app, await client.randomDPoPKeyPair('ES256'))
    const bound = await client.clientCredentialsGrant(app, {}, { DPoP })
    await assert.rejects(exchange(reports, bound.access_token), refused('invalid_grant'))
    const other = client.getDPoPHandle(reports, await client.randomDPoPKeyPair('ES256'))
    await assert.rejects(
      exchange(reports, bound.access_token, {}, { DPoP: other }),
      refused('invalid_grant'),
    )
    await assert.rejects(
      exchange(reports, access_token, { audience: 'https://other.test/' }),
      refused('invalid_target'),
    )
    await assert.rejects(
      exchange(reports, access_token, { actor_token: access_token }),
      refused('invalid_request'),
    )
  })

  test('is for clients that are registered for it, and that authenticate', async () => {
    const plain = parseClientId('plain')
    const own = await site.identity.realms.putClient(acme, plain, { roles: [], scopes: ['read'] })
    const { access_token } = await client.clientCredentialsGrant(app)
    const config = await site.app(acme, String(own), { client_id: plain })
    await assert.rejects(exchange(config, access_token), refused('invalid_request'))
    const open = parseClientId('open')
    await site.identity.realms.putClient(acme, open, {
      roles: [],
      scopes: ['read'],
      authMethod: 'none',
      grantTypes: [TOKEN_EXCHANGE],
    })
    const publicApp = await site.app(acme, client.None(), { client_id: open })
    await assert.rejects(exchange(publicApp, access_token), refused('invalid_request'))
  })
})

describe('an API key', () => {
  const useKey = async (tenant: TenantId, key: string, fields: Record<string, string> = {}) =>
    exchange(await site.app(tenant, client.None(), { client_id: API_KEY_CLIENT }), key, {
      subject_token_type: API_KEY_TYPE,
      ...fields,
    })

  test('is exchanged for an access token of its user with its scopes, in its realm alone', async () => {
    const { realms } = site.identity
    const key = await realms.createApiKey(acme, ALICE, { label: 'CI', scopes: ['read'], days: 1 })
    const tokens = await useKey(acme, key.secret)
    const access = await site.verify(acme, tokens.access_token)
    assert.deepEqual(
      [access.subject, access.client, access.scopes, access.roles],
      ['alice', API_KEY_CLIENT, ['read'], ['nurse']],
    )
    assert.ok((await realms.apiKeys(acme, ALICE))[0]?.usedAt !== undefined)
    await assert.rejects(useKey(acme, key.secret, { scope: 'write' }), refused('invalid_scope'))
    await assert.rejects(useKey(globex, key.secret), refused('invalid_grant'))
    for (const wrong of [`${key.secret}x`, key.secret.slice(0, -1), 'rfk_', 'x']) {
      await assert.rejects(useKey(acme, wrong), refused('invalid_grant'))
    }
    const { rows } = await site.admin.query('select * from identity.api_key')
    assert.ok(!JSON.stringify(rows).includes(key.secret))
  })

  test('that is taken back is worth nothing, and neither is what it was exchanged for', async () => {
    const { realms } = site.identity
    const key = await realms.createApiKey(acme, ALICE, { label: 'old', scopes: ['read'], days: 1 })
    const { access_token } = await useKey(acme, key.secret)
    const { session } = await site.verify(acme, access_token)
    assert.equal((await client.tokenIntrospection(app, access_token)).active, true)
    await realms.removeApiKey(acme, ALICE, key.id)
    await assert.rejects(useKey(acme, key.secret), refused('invalid_grant'))
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === session))
    assert.equal((await client.tokenIntrospection(app, access_token)).active, false)
  })

  test('of a user who is not active, or that has expired, is worth nothing', async () => {
    const erin = parseSubject('erin')
    await site.identity.realms.putUser(acme, erin, { roles: [], scopes: ['read'] })
    const { realms, parts } = site.identity
    const key = await realms.createApiKey(acme, erin, { label: 'x', scopes: ['read'], days: 1 })
    await useKey(acme, key.secret)
    await parts.directory.changeAccount(acme, erin, { active: false })
    await assert.rejects(useKey(acme, key.secret), refused('invalid_grant'))
    await parts.directory.changeAccount(acme, erin, { active: true })
    await site.admin.query(`update identity.api_key set expires_at = now() where id = $1`, [key.id])
    await assert.rejects(useKey(acme, key.secret), refused('invalid_grant'))
  })
})
