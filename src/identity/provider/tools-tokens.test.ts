import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import type { TenantId } from '../../core/tenant.ts'
import { AUDIENCE } from '../identity-site.test-support.ts'
import { exchange, service } from './exchange.test-support.ts'
import { type ProviderSite, refused, startProviderSite } from './provider-site.test-support.ts'

const TOOLS = 'https://api.acme.example/mcp'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
before(async () => {
  site = await startProviderSite({
    hosts: async (tenant) => [`api.${tenant}.example`, `www.${tenant}.example`],
  })
  const realm = await site.realm('acme')
  acme = realm.tenant
  app = await site.app(acme, realm.secret)
})
after(() => site?.stop())

const audienceOf = ({ access_token }: { access_token: string }) => decodeJwt(access_token).aud

test('a token for the tools at the tenant’s own host is for them alone, with what one for the API has', async () => {
  const tokens = await site.signIn(app, undefined, { resource: TOOLS })
  const { aud, scope, tenant_id, sub } = decodeJwt(tokens.access_token)
  const other = decodeJwt((await site.signIn(app)).access_token)
  assert.equal(other.aud, AUDIENCE)
  assert.deepEqual([aud, scope, tenant_id, sub], [TOOLS, other['scope'], acme, other.sub])
  const machine = await client.clientCredentialsGrant(app, { resource: TOOLS, scope: 'read' })
  assert.equal(audienceOf(machine), TOOLS)
  assert.equal(machine.scope, 'read')
})

test('what was asked for at the sign-in is what later tokens are for', async () => {
  const tokens = await site.signIn(app, undefined, {
    ...{ resource: TOOLS, scope: 'openid read offline_access', prompt: 'consent' },
  })
  const next = await client.refreshTokenGrant(app, String(tokens.refresh_token))
  assert.equal(audienceOf(next), TOOLS)
  const wider = client.refreshTokenGrant(app, String(next.refresh_token), { resource: AUDIENCE })
  await assert.rejects(wider, refused('invalid_target'))
})

test('another tenant’s host, another place, and another spelling are no resources of a realm', async () => {
  for (const resource of [
    'https://api.globex.example/mcp',
    'https://api.acme.example/',
    'https://api.acme.example/mcp/',
    'https://api.acme.example/t/acme/mcp',
    'https://API.acme.example/mcp',
    'https://x.api.acme.example/mcp',
    'https://acme.example/mcp',
  ]) {
    const asked = client.clientCredentialsGrant(app, { resource })
    await assert.rejects(asked, refused('invalid_target'), resource)
  }
})

test('nothing else is made of it in the realm', async () => {
  const { access_token } = await site.signIn(app, undefined, { resource: TOOLS })
  const reports = await service(site, acme, 'reports')
  await assert.rejects(exchange(reports, access_token), refused('invalid_grant'))
  assert.equal((await client.tokenIntrospection(reports, access_token)).active, false)
})
