import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose'
import { type Listening, listenWith } from '../../../http/listen.ts'
import { BASE } from '../../identity-site.test-support.ts'
import { formIn } from '../../provider/browser.test-support.ts'
import { ALICE, APP, CALLBACK } from '../../provider/provider-site.test-support.ts'
import {
  type SessionsSite,
  type SiteRealm,
  startSessionsSite,
} from '../sessions-site.test-support.ts'

let site: SessionsSite
let door: Listening
/** Logout tokens that the client was sent, and what it answers. */
const sent: string[] = []
let answer = 200
let arrived: () => void = () => {}
before(async () => {
  site = await startSessionsSite({ insideAllowed: true })
  const client = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeHead(answer).end()
      sent.push(String(new URLSearchParams(body).get('logout_token')))
      arrived()
    })
  })
  door = await listenWith(client, { host: '127.0.0.1', port: 0 })
})
after(async () => {
  await site.stop()
  await door.close()
})

/** A realm whose app wants to be told. */
async function telling(name: string): Promise<SiteRealm> {
  const { tenant } = await site.newRealm(name)
  const secret = await site.identity.realms.putClient(tenant, APP, {
    roles: [],
    scopes: ['read', 'write'],
    grantTypes: ['authorization_code', 'refresh_token'],
    redirectUris: [CALLBACK],
    backchannelLogoutUri: `${door.url}/logout`,
  })
  return { tenant, app: await site.app(tenant, String(secret)) }
}

/** What waits to be sent of a realm. */
async function waiting({ tenant }: SiteRealm): Promise<readonly { attempts: number }[]> {
  const { rows } = await site.admin.query<{ attempts: number }>(
    'select attempts from identity.logout_notice where tenant = $1',
    [tenant],
  )
  return rows
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 20))
const next = () =>
  new Promise<void>((resolve) => {
    arrived = resolve
  })

test('a client that asked for it is told which session is over, by a token of the realm', async () => {
  const realm = await telling('acme')
  const { sid } = await site.enter(realm)
  const told = next()
  await site.sessions.endSession(realm.tenant, sid)
  await told
  const jwks = await site.ask('/realms/acme/jwks')
  const { payload } = await jwtVerify(
    String(sent.at(-1)),
    createLocalJWKSet(JSON.parse(jwks.text)),
    { issuer: `${BASE}/realms/acme`, audience: 'app' },
  )
  assert.equal(payload.sub, 'alice')
  assert.equal(payload['sid'], sid)
  assert.deepEqual(payload['events'], {
    'http://schemas.openid.net/event/backchannel-logout': {},
  })
  assert.equal(payload['nonce'], undefined)
})

test('a client that did not take it is told again, and then no more', async () => {
  const realm = await telling('retried')
  await site.enter(realm)
  const count = sent.length
  answer = 503
  const first = next()
  await site.sessions.endSubject(realm.tenant, ALICE)
  await first
  answer = 200
  const second = next()
  await site.admin.query('update identity.logout_notice set due_at = now() where tenant = $1', [
    realm.tenant,
  ])
  await second
  assert.equal(sent.length, count + 2)
  while ((await waiting(realm)).length > 0) await pause()
})

test('a client that does not take it when its user signs out is told again', async () => {
  const realm = await telling('signing-out')
  const { browser, sid } = await site.enter(realm)
  answer = 503
  const first = next()
  const page = await browser.get(`${BASE}/realms/${realm.tenant}/session/end`)
  const { action, fields } = formIn(page.text) ?? { action: '', fields: {} }
  await browser.post(action, { ...fields, logout: 'yes' })
  await first
  answer = 200
  while ((await waiting(realm)).length === 0) await pause()
  const second = next()
  await site.admin.query('update identity.logout_notice set due_at = now() where tenant = $1', [
    realm.tenant,
  ])
  await second
  assert.deepEqual(
    sent.slice(-2).map((token) => decodeJwt(token)['sid']),
    [sid, sid],
  )
})

test('who did not ask is not told, and clients of other realms are not', async () => {
  const loud = await telling('loud')
  const other = await telling('other')
  const silent = await site.newRealm('silent')
  await site.enter(loud)
  await site.enter(other)
  const quiet = await site.enter(silent)
  sent.length = 0
  await site.sessions.endSession(silent.tenant, quiet.sid)
  const told = next()
  await site.sessions.endTenant(loud.tenant)
  await told
  assert.deepEqual([await waiting(silent), await waiting(other)], [[], []])
  assert.deepEqual(
    sent.map((token) => decodeJwt(token).iss),
    [`${BASE}/realms/loud`],
  )
})
