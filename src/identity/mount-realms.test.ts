import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import type { TenantId } from '../core/tenant.ts'
import { AUDIENCE, BASE } from './identity-site.test-support.ts'
import { mountRealms } from './mount-realms.ts'
import { type ProviderSite, startProviderSite } from './provider/provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
const mail = mkdtempSync(join(tmpdir(), 'rf-mail-'))
before(async () => {
  site = await startProviderSite({
    mount: (parts) =>
      mountRealms(parts, {
        signIn: { mail: { by: 'file', directory: mail, from: 'no-reply@id.test' } },
        audience: AUDIENCE,
        insideAllowed: false,
        log: () => {},
      }),
  })
  const realm = await site.realm('acme')
  acme = realm.tenant
  app = await site.app(acme, realm.secret)
})
after(async () => {
  await site.stop()
  rmSync(mail, { recursive: true, force: true })
})

test('a client’s user is shown the realm’s own sign-in page, and nothing else can frame it', async () => {
  const browser = site.browser()
  const url = client.buildAuthorizationUrl(app, {
    redirect_uri: 'https://app.test/cb',
    scope: 'openid read',
    code_challenge: await client.calculatePKCECodeChallenge('v'.repeat(43)),
    code_challenge_method: 'S256',
  })
  const { location } = await browser.get(url.href)
  assert.match(String(location), new RegExp(`^${BASE}/realms/acme/interaction/`))
  const page = await browser.get(String(location))
  assert.equal(page.status, 200)
  assert.match(page.text, /autocomplete="username/)
  assert.match(String(page.headers.get('content-security-policy')), /frame-ancestors 'none'/)
})

test('the account pages send who is not signed in to sign in', async () => {
  const page = await site.browser().get(`${BASE}/realms/acme/account`)
  assert.match(String(page.location), /\/realms\/acme\/auth\?client_id=ringfence-account/)
})

test('each part is at its own paths, and paths that are nobody’s are absent', async () => {
  const status = async (path: string) => (await site.ask(`/realms/acme${path}`)).status
  assert.equal(await status('/scim/v2/Users'), 401)
  assert.equal(await status('/federation/none/start'), 404)
  assert.equal(await status('/federation/none/metadata'), 404)
  assert.equal(await status('/nothing'), 404)
  assert.equal(await status('/.well-known/openid-configuration'), 200)
})

test('what a realm that is closed serves beside its provider is as absent as the realm', async () => {
  const { tenant } = await site.realm('closed')
  await site.identity.realms.setOpen(tenant, false)
  for (const path of ['/account', '/scim/v2/Users', '/federation/x/metadata', '/recover']) {
    const [closed, nobody] = [
      await site.ask(`/realms/closed${path}`),
      await site.ask(`/realms/nobody${path}`),
    ]
    assert.deepEqual([closed.status, closed.text], [nobody.status, nobody.text])
    assert.equal(closed.status, 404)
  }
})
