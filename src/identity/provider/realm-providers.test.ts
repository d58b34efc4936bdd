import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import type { Identity } from '../open-identity.ts'
import { type ProviderSite, startProviderSite } from './provider-site.test-support.ts'

let site: ProviderSite
before(async () => {
  site = await startProviderSite({ realmsMost: 3 })
})
after(() => site.stop())

const discovery = (tenant: string, identity?: Identity) =>
  site.ask(`/realms/${tenant}/.well-known/openid-configuration`, {}, identity)

/** Waits until what another process did is seen here. */
async function eventually(seen: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 15_000
  while (!(await seen())) {
    assert.ok(Date.now() < deadline, 'it was not seen in time')
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

describe('providers of realms', () => {
  test('are made when they are asked for, once for all who wait, and those that nobody used last go', async () => {
    const { providers } = site.identity
    const tenants: TenantId[] = []
    for (const name of ['one', 'two', 'three', 'four', 'five']) {
      const tenant = parseTenantId(name)
      await site.identity.realms.ensure(tenant, name)
      tenants.push(tenant)
    }
    const [one] = tenants
    assert.ok(one !== undefined)
    await eventually(async () => {
      // Changes that are still on their way here make it anew.
      const all = await Promise.all([providers.get(one), providers.get(one), providers.get(one)])
      return all[0] !== undefined && all[0] === all[1] && (await providers.get(one)) === all[0]
    })
    for (const tenant of tenants) assert.equal((await discovery(tenant)).status, 200)
    assert.ok(providers.size <= 3)
    assert.equal((await discovery('one')).status, 200)
  })

  test('of realms that are not there are not kept, however many are asked for', async () => {
    for (let count = 0; count < 10; count += 1) {
      assert.equal((await discovery(`nobody-${count}`)).status, 404)
    }
    assert.equal(await site.identity.providers.get(parseTenantId('nobody-1')), undefined)
  })

  test('follow a change at another process', async () => {
    const there = await site.open()
    const { tenant, secret } = await site.realm('followed')
    const config = await site.app(tenant, secret, {}, await site.transport(there))
    await client.clientCredentialsGrant(config)
    await site.identity.realms.putSettings(tenant, { accessTokenSeconds: 77 })
    await eventually(async () => (await client.clientCredentialsGrant(config)).expires_in === 77)
    await site.identity.realms.setOpen(tenant, false)
    // Its clients are looked up with their realm each time: nothing is issued from this moment on.
    await assert.rejects(client.clientCredentialsGrant(config))
    await eventually(async () => (await discovery(tenant, there)).status === 404)
  })

  test('go on when somebody notifies of what is no realm', async () => {
    const { tenant } = await site.realm('noisy')
    for (const payload of ['', 'x y', '../acme', 'x'.repeat(500)]) {
      await site.admin.query('select pg_notify($1, $2)', ['ringfence_realm', payload])
    }
    await site.identity.realms.putSettings(tenant, { accessTokenSeconds: 99 })
    await eventually(async () => (await discovery(tenant)).status === 200)
  })

  test('are looked at before each use while nobody tells of changes', async () => {
    const there = await site.open()
    const { tenant, secret } = await site.realm('deaf')
    const config = await site.app(tenant, secret, {}, await site.transport(there))
    await client.clientCredentialsGrant(config)
    const cut = () =>
      site.admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'ringfence-identity' and query like 'listen %'`,
      )
    for (let seconds = 41; seconds < 45; seconds += 1) {
      await cut()
      await site.identity.realms.putSettings(tenant, { accessTokenSeconds: seconds })
      await eventually(
        async () => (await client.clientCredentialsGrant(config)).expires_in === seconds,
      )
    }
  })
})

describe('a realm with a domain of its own', () => {
  test('is served there, from the root, and not at the platform’s path any more', async () => {
    const { tenant, secret } = await site.realm('owner', { domain: 'login.owner.test' })
    const host = { headers: { host: 'LOGIN.owner.test' } }
    const { status, text } = await site.ask('/.well-known/openid-configuration', host)
    assert.equal(status, 200)
    const document = JSON.parse(text) as Record<string, string>
    assert.equal(document['issuer'], 'https://login.owner.test')
    assert.equal(document['token_endpoint'], 'https://login.owner.test/token')
    assert.equal((await discovery(tenant)).status, 404)
    const token = await site.ask('/token', {
      method: 'POST',
      headers: {
        ...host.headers,
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`app:${secret}`).toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    })
    assert.equal(token.status, 200, token.text)
    assert.equal((await site.identity.realms.find(tenant))?.issuer, 'https://login.owner.test')
  })

  test('sets cookies for this host alone, and serves no other realm on it', async () => {
    await site.realm('neighbour')
    const host = { host: 'login.owner.test' }
    const page = await site.ask('/device', { headers: host })
    assert.equal(page.status, 200)
    const cookies = [page.headers['set-cookie'] ?? []].flat()
    assert.ok(cookies.some((line) => /^__Host-rf_session=[^;]+; path=\/;/.test(line)))
    assert.ok(cookies.every((line) => !/domain=/i.test(line)))
    for (const path of [
      '/realms/neighbour/.well-known/openid-configuration',
      '/realms/owner/jwks',
    ]) {
      assert.equal((await site.ask(path, { headers: host })).status, 404)
    }
  })

  test('has it alone, and it is not the platform’s own', async () => {
    const other = parseTenantId('other-owner')
    await site.identity.realms.ensure(other, 'Other')
    const { realms } = site.identity
    const taken = { code: 'conflict' }
    await assert.rejects(realms.putSettings(other, { domain: 'login.owner.test' }), taken)
    await assert.rejects(realms.putSettings(other, { domain: 'id.test' }), taken)
    for (const domain of [
      'Login.owner.test',
      'owner',
      'a_b.test',
      'login.owner.test/x',
      '*.test',
    ]) {
      await assert.rejects(realms.putSettings(other, { domain }), { code: 'invalid_argument' })
    }
  })

  test('voids what bears its old name when it moves', async () => {
    const { tenant } = await site.realm('mover')
    await site.identity.realms.putSettings(tenant, { domain: 'login.mover.test' })
    assert.ok(site.revocations.some((one) => one.kind === 'tenant' && one.tenant === tenant))
  })
})

describe('what a client sends in headers', () => {
  test('is in no document and no page, whatever the header', async () => {
    await site.realm('headers')
    for (const path of ['/.well-known/openid-configuration', '/device', '/auth?client_id=x']) {
      const { text, headers } = await site.ask(`/realms/headers${path}`, {
        headers: {
          'x-forwarded-host': 'evil.test',
          'x-forwarded-proto': 'http',
          'x-forwarded-for': 'evil.test',
          forwarded: 'host=evil.test;proto=http',
          'x-original-url': '/evil.test',
        },
      })
      assert.ok(!`${text}${JSON.stringify(headers)}`.includes('evil'), path)
      assert.ok(!text.includes('http://'), path)
    }
  })

  test('says nothing of where a session comes from, unless a trusted proxy said it', async () => {
    const { tenant, secret } = await site.realm('addresses')
    const proxied = await site.open({ proxies: 1 })
    for (const [identity, address] of [
      [site.identity, '127.0.0.1'],
      [proxied, '198.51.100.7'],
    ] as const) {
      await site.ask(
        '/realms/addresses/device',
        { headers: { 'x-forwarded-for': '203.0.113.9, 198.51.100.7', 'user-agent': 'A browser' } },
        identity,
      )
      const { rows } = await site.admin.query<{ address: string; device: string }>(
        `select address, device from identity.artifact where tenant = $1 and model = 'Session'
         order by created_at desc, seen_at desc limit 1`,
        [tenant],
      )
      assert.deepEqual(rows, [{ address, device: 'A browser' }])
    }
    assert.ok(secret.length > 0)
  })
})

test('a realm may be called like an endpoint', async () => {
  for (const name of ['token', 'auth', 'device', 'jwks', 'reg', 'session']) {
    const { tenant, secret } = await site.realm(name)
    const document = JSON.parse((await discovery(name)).text) as Record<string, string>
    assert.equal(document['token_endpoint'], `${BASE}/realms/${name}/token`)
    const config = await site.app(tenant, secret)
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    await client.clientCredentialsGrant(config, {}, { DPoP })
    const tokens = await site.signIn(config)
    assert.equal((await site.verify(tenant, tokens.access_token)).tenant, name)
    const device = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    assert.equal(device.verification_uri, `${BASE}/realms/${name}/device`)
  }
})

test('scripts of pages may call a realm from the origins of their client, and from no other', async () => {
  const { tenant } = await site.realm('cors')
  const id = parseClientId('spa')
  const secret = await site.identity.realms.putClient(tenant, id, {
    roles: [],
    scopes: ['read'],
    origins: ['https://spa.test'],
  })
  const ask = (origin: string) =>
    site.ask('/realms/cors/token', {
      method: 'POST',
      headers: {
        origin,
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
      },
      body: 'grant_type=client_credentials',
    })
  const allowed = await ask('https://spa.test')
  assert.deepEqual(
    [allowed.status, allowed.headers['access-control-allow-origin']],
    [200, 'https://spa.test'],
  )
  for (const origin of [
    'https://evil.test',
    'https://spa.test.evil.test',
    'null',
    'http://spa.test',
  ]) {
    const { status, headers } = await ask(origin)
    assert.deepEqual([status, headers['access-control-allow-origin']], [400, undefined])
  }
  assert.equal(allowed.headers['access-control-allow-credentials'], undefined)
})
