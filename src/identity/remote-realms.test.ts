import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseClientId, parseSubject } from '../core/names.ts'
import { parseTenantId } from '../core/tenant.ts'
import { call } from '../http/call.ts'
import { listen, type Listening } from '../http/listen.ts'
import { signClientAssertion } from '../tokens/client-assertion.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import {
  ADMIN_AUDIENCE,
  BASE,
  CONTROL,
  CONTROL_KEY,
  type IdentitySite,
  startIdentitySite,
} from './identity-site.test-support.ts'
import type { RealmAdministration } from './realm-administration.ts'
import { remoteRealms } from './remote-realms.ts'

const ACME = parseTenantId('acme')
const MAY = { roles: ['nurse'], scopes: ['read'] }

let site: IdentitySite
let listening: Listening
let realms: RealmAdministration
before(async () => {
  site = await startIdentitySite()
  listening = await listen(site.identity.admin.fetch, { socket: join(site.directory, 'a.sock') })
  realms = asked({})
})
after(async () => {
  await listening.close()
  await site.stop()
})

const asked = (changes: Partial<Parameters<typeof remoteRealms>[0]>) =>
  remoteRealms({
    address: listening.url,
    audience: ADMIN_AUDIENCE,
    client: CONTROL,
    key: CONTROL_KEY,
    ...changes,
  })

describe('from the control plane', () => {
  test('a realm is made once, closed, opened and removed, and each can be repeated', async () => {
    const first = await realms.ensure(ACME, 'Acme')
    assert.equal(first.issuer, `${BASE}/realms/acme`)
    assert.deepEqual(first.keys.map(({ alg }) => alg).sort(), ['ES256', 'EdDSA'])
    assert.deepEqual(await realms.ensure(ACME, 'Acme & Sons'), first)
    assert.deepEqual(await realms.find(ACME), first)
    const alice = parseSubject('alice@acme.test/x')
    await realms.putUser(ACME, alice, MAY)
    for (let turn = 0; turn < 2; turn += 1) await realms.setOpen(ACME, false)
    await assert.rejects(realms.issueFor(ACME, alice), { code: 'not_found' })
    // Whoever asks for the keys again does not open it.
    await realms.ensure(ACME, 'Acme')
    await assert.rejects(realms.issueFor(ACME, alice), { code: 'not_found' })
    await realms.setOpen(ACME, true)
    assert.equal((await realms.issueFor(ACME, alice, { seconds: 60 })).expires_in, 60)
    for (let turn = 0; turn < 2; turn += 1) await realms.remove(ACME)
    assert.equal(await realms.find(ACME), undefined)
    await assert.rejects(realms.setOpen(ACME, true), { code: 'not_found' })
    const again = await realms.ensure(ACME, 'Acme')
    assert.notDeepEqual(again.keys, first.keys)
    await assert.rejects(realms.issueFor(ACME, alice), { code: 'not_found' })
  })

  test('users and clients come and go', async () => {
    await realms.ensure(ACME, 'Acme')
    const [bob, robot] = [parseSubject('bob'), parseClientId('robot')]
    await realms.putUser(ACME, bob, MAY)
    await realms.issueFor(ACME, bob)
    await realms.removeUser(ACME, bob)
    await assert.rejects(realms.issueFor(ACME, bob), { code: 'not_found' })
    const secret = await realms.putClient(ACME, robot, MAY)
    assert.match(String(secret), /^rfc_[\w-]{43}$/)
    const { publicJwk, privateJwk } = await SigningKey.create('ES256')
    assert.equal(await realms.putClient(ACME, robot, MAY, [publicJwk]), undefined)
    const secretKey = { ...publicJwk, ...privateJwk, kid: publicJwk.kid, alg: publicJwk.alg }
    await assert.rejects(realms.putClient(ACME, robot, MAY, [secretKey]), {
      code: 'invalid_argument',
    })
    await realms.removeClient(ACME, robot)
    await realms.rotateKeys(ACME)
    assert.equal((await realms.ensure(ACME, 'Acme')).keys.length, 4)
  })

  test('settings are taken whole, and what is not a setting is refused', async () => {
    await realms.ensure(ACME, 'Acme')
    const settings = await realms.settings(ACME)
    assert.deepEqual(settings.algorithms, ['ES256', 'EdDSA'])
    const changed = await realms.putSettings(ACME, { mfa: 'required', accessTokenSeconds: 60 })
    assert.deepEqual(changed, { ...settings, mfa: 'required', accessTokenSeconds: 60 })
    assert.deepEqual(await realms.settings(ACME), changed)
    const wrong = { code: 'invalid_argument' }
    await assert.rejects(realms.putSettings(ACME, { accessTokenSeconds: 86_400 }), wrong)
    await assert.rejects(realms.putSettings(ACME, { algorithms: ['RS256'] }), wrong)
    const noSetting: object = { tenant: 'globex' }
    await assert.rejects(realms.putSettings(ACME, noSetting), wrong)
    await assert.rejects(realms.settings(parseTenantId('nobody')), { code: 'not_found' })
    await realms.putSettings(ACME, {})
  })

  test('clients are listed without what is secret, and details are checked', async () => {
    await realms.ensure(ACME, 'Acme')
    const app = parseClientId('app')
    const web = { grantTypes: ['authorization_code'] as const, roles: [], scopes: ['read'] }
    const secret = await realms.putClient(ACME, app, {
      ...web,
      grantTypes: [...web.grantTypes],
      redirectUris: ['https://app.acme.test/cb'],
      name: 'The app',
    })
    const listed = (await realms.clients(ACME)).find(({ client }) => client === app)
    assert.equal(listed?.name, 'The app')
    assert.deepEqual(listed?.redirectUris, ['https://app.acme.test/cb'])
    assert.ok(!JSON.stringify(listed).includes(String(secret)))
    for (const uri of [
      'http://app.acme.test/cb',
      'https://app.acme.test/cb#x',
      'https://user@app.acme.test/cb',
      'https://*.acme.test/cb',
      'javascript:alert(1)',
      'data:text/html,x',
      'https://app.acme.test/a/../cb',
      'https://APP.acme.test/cb',
      '//app.acme.test/cb',
    ]) {
      const spec = { ...web, grantTypes: [...web.grantTypes], redirectUris: [uri] }
      await assert.rejects(realms.putClient(ACME, app, spec), { code: 'invalid_argument' }, uri)
    }
    const reserved = parseClientId('ringfence-account')
    await assert.rejects(realms.putClient(ACME, reserved, MAY), { code: 'conflict' })
    await realms.removeClient(ACME, app)
  })

  test('API keys are made once, listed without their secret, and taken back', async () => {
    await realms.ensure(ACME, 'Acme')
    const dave = parseSubject('dave')
    await realms.putUser(ACME, dave, MAY)
    const made = await realms.createApiKey(ACME, dave, { label: 'CI', scopes: ['read'], days: 30 })
    assert.match(made.secret, /^rfk_[\w-]{43}$/)
    const [listed] = await realms.apiKeys(ACME, dave)
    assert.deepEqual([listed?.id, listed?.label, listed?.usedAt], [made.id, 'CI', undefined])
    assert.ok(!JSON.stringify(listed).includes(made.secret))
    const other = parseSubject('alice@acme.test/x')
    await assert.rejects(realms.removeApiKey(ACME, other, made.id), { code: 'not_found' })
    await realms.removeApiKey(ACME, dave, made.id)
    assert.deepEqual(await realms.apiKeys(ACME, dave), [])
  })
})

describe('from anybody else', () => {
  const refused = { code: 'not_authenticated' }

  test('another key, another name and another audience are refused', async () => {
    const stranger = await SigningKey.create('ES256')
    await assert.rejects(asked({ key: stranger }).remove(ACME), refused)
    await assert.rejects(asked({ client: parseClientId('other') }).remove(ACME), refused)
    await assert.rejects(asked({ audience: 'urn:else' }).remove(ACME), refused)
  })

  test('no assertion, and one that was used before, are refused at every operation', async () => {
    const used = await signClientAssertion(CONTROL_KEY, CONTROL, ADMIN_AUDIENCE)
    const send = (method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, token: string) =>
      call(listening.url, {
        method,
        path: `/admin/realms/acme${path}`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: '{}',
      })
    assert.equal((await send('PUT', '/open', used)).status, 400)
    for (const token of ['', 'x', used]) {
      for (const [method, path] of [
        ['GET', ''],
        ['PUT', ''],
        ['DELETE', ''],
        ['PUT', '/open'],
        ['POST', '/keys'],
        ['POST', '/users'],
        ['DELETE', '/users/bob'],
        ['POST', '/clients'],
        ['DELETE', '/clients/robot'],
        ['POST', '/tokens'],
        ['GET', '/settings'],
        ['PUT', '/settings'],
        ['GET', '/clients'],
        ['POST', '/registration'],
        ['GET', '/users/bob/api-keys'],
        ['POST', '/users/bob/api-keys'],
        ['DELETE', '/users/bob/api-keys/x'],
        ['POST', '/nothing'],
      ] as const) {
        assert.equal((await send(method, path, token)).status, 401, `${method} ${path}`)
      }
    }
  })

  test('a realm’s client is nobody here, whatever its name', async () => {
    await realms.ensure(ACME, 'Acme')
    const key = await SigningKey.create('ES256')
    await realms.putClient(ACME, CONTROL, MAY, [key.publicJwk])
    await assert.rejects(asked({ key }).remove(ACME), refused)
  })

  test('the administration is not on the world’s listener', async () => {
    const response = await site.ask('/admin/realms/acme', { method: 'DELETE' })
    assert.equal(response.status, 404)
  })
})

test('the log says who did what, and holds no assertion, token or secret', async () => {
  const robot = parseClientId('robot')
  const secret = String(await realms.putClient(ACME, robot, MAY))
  await realms.putUser(ACME, parseSubject('carol'), MAY)
  const { access_token } = await realms.issueFor(ACME, parseSubject('carol'))
  const text = site.logged.join('\n')
  assert.ok(text.includes('"by":"control"') && text.includes('/admin/realms/acme/clients'))
  assert.ok(!text.includes(secret) && !text.includes(access_token.slice(0, 60)))
  assert.ok(!text.includes('eyJ'))
})

test('nobody there is engine_unavailable', async () => {
  const away = asked({ address: `unix:${join(site.directory, 'none.sock')}` })
  await assert.rejects(away.ensure(ACME, 'Acme'), { code: 'engine_unavailable' })
})
