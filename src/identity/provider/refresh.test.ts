import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as client from 'openid-client'
import type { TenantId } from '../../core/tenant.ts'
import {
  ALICE,
  type ProviderSite,
  refused,
  startProviderSite,
} from './provider-site.test-support.ts'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
let appSecret: string
let globexApp: client.Configuration
before(async () => {
  site = await startProviderSite()
  const one = await site.realm('acme')
  const other = await site.realm('globex')
  acme = one.tenant
  appSecret = one.secret
  app = await site.app(acme, one.secret)
  globexApp = await site.app(other.tenant, other.secret)
})
after(() => site.stop())
beforeEach(() => {
  Object.assign(site.signsIn, {
    subject: ALICE,
    acr: 'urn:ringfence:acr:1',
    amr: ['pwd'],
    refuses: [],
  })
  site.signsIn.prompts.length = 0
})

describe('a refresh token', () => {
  test('is rotated; one that comes again ends its family, with the access tokens of it', async () => {
    const first = await site.signIn(app)
    const { session } = await site.verify(acme, first.access_token)
    const second = await client.refreshTokenGrant(app, String(first.refresh_token))
    assert.notEqual(second.refresh_token, first.refresh_token)
    assert.equal((await site.verify(acme, second.access_token)).session, session)
    const replay = client.refreshTokenGrant(app, String(first.refresh_token))
    await assert.rejects(replay, refused('invalid_grant'))
    const successor = client.refreshTokenGrant(app, String(second.refresh_token))
    await assert.rejects(successor, refused('invalid_grant'))
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === session))
  })

  test('after its family has ended the same browser gets tokens of a session that is not revoked', async () => {
    const browser = site.browser()
    const first = await site.signIn(app, browser)
    await client.refreshTokenGrant(app, String(first.refresh_token))
    await assert.rejects(client.refreshTokenGrant(app, String(first.refresh_token)))
    const again = await site.verify(acme, (await site.signIn(app, browser)).access_token)
    assert.notEqual(again.session, (await site.verify(acme, first.access_token)).session)
  })

  test('is used once by two requests at one moment, at two processes', async () => {
    const apps = await twoProcesses()
    for (let round = 0; round < 3; round += 1) {
      const { refresh_token } = await site.signIn(app)
      const results = await Promise.allSettled(
        apps.map((app) => client.refreshTokenGrant(app, String(refresh_token))),
      )
      // None, when the second is noticed before the first has its answer.
      assert.ok(results.filter(({ status }) => status === 'fulfilled').length <= 1)
    }
  })

  test('is worth nothing with another client and in another realm, and gives no more than it was given', async () => {
    const { refresh_token } = await site.signIn(app, undefined, { scope: 'openid read' })
    const foreign = client.refreshTokenGrant(globexApp, String(refresh_token))
    await assert.rejects(foreign, refused('invalid_grant'))
    const wider = client.refreshTokenGrant(app, String(refresh_token), {
      scope: 'openid read write',
    })
    await assert.rejects(wider, refused('invalid_scope'))
    const elsewhere = { resource: 'https://other.test/' }
    await assert.rejects(
      client.refreshTokenGrant(app, String(refresh_token), elsewhere),
      refused('invalid_target'),
    )
  })

  test('is in the database only as a hash', async () => {
    const { refresh_token } = await site.signIn(app)
    const { rows } = await site.admin.query('select * from identity.artifact')
    assert.ok(rows.length > 0)
    assert.ok(!JSON.stringify(rows).includes(String(refresh_token)))
  })
})

/** The same client at two processes on one database. */
async function twoProcesses(): Promise<readonly client.Configuration[]> {
  const there = await site.transport(await site.open())
  return [app, await site.app(acme, appSecret, {}, there)]
}
