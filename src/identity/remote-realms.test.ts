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
    assert.equal(first.keys.length, 1)
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
    assert.equal((await realms.ensure(ACME, 'Acme')).keys.length, 2)
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
    const response = await site.identity.app.request('/admin/realms/acme', { method: 'DELETE' })
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
