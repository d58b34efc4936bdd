import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId, parseSubject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { enteredIn, withFullInbox } from '../entered.test-support.ts'
import { type ProviderSite, startProviderSite } from './provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let secret: string
let app: client.Configuration
before(async () => {
  site = await startProviderSite()
  ;({ tenant: acme, secret } = await site.realm('acme'))
  await site.realm('globex')
  app = await site.app(acme, secret)
})
after(() => site.stop())

const entries = async () => enteredIn(site.admin)
async function made(work: () => Promise<unknown>) {
  const before = (await entries()).length
  await work()
  return (await entries()).slice(before)
}

test('a realm’s log begins with the realm: its keys, clients and users', async () => {
  const own = (await entries()).filter(({ tenant }) => tenant === acme)
  const actions = own.map(({ action }) => action)
  for (const action of ['realm.ensured', 'keys.made', 'client.created', 'user.put']) {
    assert.ok(actions.includes(action), action)
  }
  assert.ok(own.every((entry) => !JSON.stringify(entry).includes('globex')))
})

test('each token that is issued is entered by its id, with the client and for whom', async () => {
  let access = ''
  const [entry, ...more] = await made(async () => {
    access = (await site.signIn(app)).access_token
  })
  const token = await site.verify(acme, access)
  assert.deepEqual(more, [])
  assert.equal(entry?.action, 'token.issued')
  assert.equal(entry.tenant, acme)
  assert.deepEqual(entry.actor, { kind: 'client', id: 'app' })
  assert.deepEqual(entry.on_behalf_of, { kind: 'user', id: 'alice' })
  assert.deepEqual(entry.object, { type: 'token', id: token.id })
  assert.ok(entry.address)
  assert.ok(!JSON.stringify(entry).includes(access))
})

test('what is refused at the token endpoint is entered, and rolls nothing back', async () => {
  const wrong = await site.app(acme, 'not-the-secret')
  const [entry] = await made(() => assert.rejects(client.clientCredentialsGrant(wrong)))
  assert.equal(entry?.action, 'token.refused')
  assert.equal(entry.decision, 'denied')
  assert.equal(entry.reason, 'invalid_client')
  assert.deepEqual(entry.actor, { kind: 'unknown', id: 'unknown' })
})

test('what is taken back is entered with its revocation', async () => {
  const { access_token } = await site.signIn(app)
  const { id } = await site.verify(acme, access_token)
  const own = await made(() => client.tokenRevocation(app, access_token))
  const entry = own.find(({ action }) => action === 'token.revoked')
  assert.deepEqual(entry?.object, { type: 'token', id })
  assert.equal(entry.category, 'revocation')
})

test('no token leaves while it cannot be entered, and no user is made or removed', async () => {
  const { realms } = site.identity
  await withFullInbox(site.admin, async () => {
    await assert.rejects(client.clientCredentialsGrant(app))
    const may = { roles: [], scopes: [] }
    await assert.rejects(realms.putUser(acme, parseSubject('late'), may))
    await assert.rejects(realms.removeUser(acme, parseSubject('alice')))
    await assert.rejects(realms.removeClient(acme, parseClientId('app')))
    await assert.rejects(realms.rotateKeys(acme, true))
  })
  const { rows } = await site.admin.query(
    'select subject from identity.account where tenant = $1 order by subject',
    [acme],
  )
  assert.deepEqual(rows, [{ subject: 'alice' }])
  // The same goes on when it can.
  assert.ok((await client.clientCredentialsGrant(app)).access_token)
})
