import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { AUDIENCE } from '../identity-site.test-support.ts'
import { exchange, service } from './exchange.test-support.ts'
import { type ProviderSite, refused, startProviderSite } from './provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
let globexApp: client.Configuration
before(async () => {
  site = await startProviderSite()
  const one = await site.realm('acme')
  acme = one.tenant
  app = await site.app(acme, one.secret)
  const other = await site.realm('globex')
  globexApp = await site.app(other.tenant, other.secret)
})
after(() => site.stop())

describe('revocation and introspection', () => {
  test('tell a client of the realm what an access token says, and nobody else', async () => {
    const { access_token } = await site.signIn(app)
    const seen = await client.tokenIntrospection(app, access_token)
    assert.equal(seen.active, true)
    assert.deepEqual(
      [seen.sub, seen.client_id, seen.scope, seen['tenant_id'], seen['roles'], seen.aud],
      ['alice', 'app', 'read write', 'acme', ['nurse'], AUDIENCE],
    )
    assert.equal((await client.tokenIntrospection(globexApp, access_token)).active, false)
    assert.equal((await client.tokenIntrospection(app, 'x.y.z')).active, false)
    assert.equal((await client.tokenIntrospection(app, 'nothing')).active, false)
  })

  test('an access token that is revoked is published, and not active any more', async () => {
    const { access_token } = await site.signIn(app)
    const { id } = await site.verify(acme, access_token)
    await client.tokenRevocation(globexApp, access_token)
    const others = await service(site, acme, 'not-mine')
    await client.tokenRevocation(others, access_token)
    assert.equal((await client.tokenIntrospection(app, access_token)).active, true)
    await client.tokenRevocation(app, access_token)
    assert.ok(site.revocations.some((one) => one.kind === 'token' && one.id === id))
    assert.equal((await client.tokenIntrospection(app, access_token)).active, false)
    await assert.rejects(exchange(others, access_token), refused('invalid_grant'))
  })

  test('a refresh token that is revoked takes its family with it, and is for its own client to see', async () => {
    const tokens = await site.signIn(app)
    const refresh = String(tokens.refresh_token)
    const { session } = await site.verify(acme, tokens.access_token)
    const others = await service(site, acme, 'curious')
    assert.equal((await client.tokenIntrospection(app, refresh)).active, true)
    assert.equal((await client.tokenIntrospection(others, refresh)).active, false)
    await client.tokenRevocation(others, refresh)
    assert.equal((await client.tokenIntrospection(app, refresh)).active, true)
    await client.tokenRevocation(app, refresh)
    await assert.rejects(client.refreshTokenGrant(app, refresh), refused('invalid_grant'))
    assert.equal((await client.tokenIntrospection(app, tokens.access_token)).active, false)
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === session))
  })

  test('a client that is changed or removed loses what it was given', async () => {
    const gone = parseClientId('gone')
    const details = { roles: [], scopes: ['read'] }
    const own = await site.identity.realms.putClient(acme, gone, details)
    await client.clientCredentialsGrant(await site.app(acme, String(own), { client_id: gone }))
    const published = () =>
      site.revocations.filter((one) => one.kind === 'client' && one.id === gone).length
    assert.equal(published(), 0)
    await site.identity.realms.putClient(acme, gone, details)
    assert.equal(published(), 1)
    await site.identity.realms.removeClient(acme, gone)
    assert.equal(published(), 2)
  })
})
