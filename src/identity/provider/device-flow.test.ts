import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import * as client from 'openid-client'
import { parseClientId } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import { BASE } from '../identity-site.test-support.ts'
import { type Browser, formIn, type Page } from './browser.test-support.ts'
import {
  ALICE,
  type ProviderSite,
  refused,
  startProviderSite,
} from './provider-site.test-support.ts'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

let site: ProviderSite
let acme: TenantId
let app: client.Configuration
let globexApp: client.Configuration
before(async () => {
  site = await startProviderSite()
  const realm = await site.realm('acme')
  acme = realm.tenant
  app = await site.app(acme, realm.secret)
  const other = await site.realm('globex')
  globexApp = await site.app(other.tenant, other.secret)
})
after(() => site.stop())
beforeEach(() => {
  site.signsIn.subject = ALICE
})

const started = () => client.initiateDeviceAuthorization(app, { scope: 'openid read' })
const poll = (device_code: string, config = app) =>
  client.genericGrantRequest(config, GRANT, { device_code })
/** Opens the page for codes, and gives the code to it. */
async function typed(browser: Browser, code: string): Promise<Page> {
  const page = await browser.get(`${BASE}/realms/acme/device`)
  const form = formIn(page.text)
  assert.ok(form !== undefined && page.status === 200)
  return browser.post(form.action, { ...form.fields, user_code: code })
}

/** Answers the question whether it is the user's own device, and signs in. */
async function confirmed(browser: Browser, question: Page, more: Record<string, string> = {}) {
  const form = formIn(question.text)
  assert.ok(form !== undefined)
  let page = await browser.post(form.action, { ...form.fields, ...more })
  for (let hops = 0; page.location !== undefined && hops < 10; hops += 1) {
    page = await browser.get(page.location)
  }
  return page
}

describe('a device', () => {
  test('waits until its user has typed the code and said yes, and then gets tokens once', async () => {
    const device = await started()
    assert.match(device.user_code, /^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$/)
    await assert.rejects(poll(device.device_code), refused('authorization_pending'))
    const browser = site.browser()
    const question = await typed(browser, device.user_code.toLowerCase().replace('-', ' '))
    assert.ok(question.text.includes(device.user_code))
    await assert.rejects(poll(device.device_code), refused('authorization_pending'))
    await confirmed(browser, question)
    const tokens = await poll(device.device_code)
    const access = await site.verify(acme, tokens.access_token)
    assert.deepEqual(
      [access.subject, access.scopes, access.acr],
      ['alice', ['read'], 'urn:ringfence:acr:1'],
    )
    assert.equal(tokens.claims()?.sub, 'alice')
    await assert.rejects(poll(device.device_code), refused('invalid_grant'))
    assert.ok(site.revocations.some((one) => one.kind === 'session' && one.id === access.session))
  })

  test('gets nothing when its user says no', async () => {
    const device = await started()
    const browser = site.browser()
    await confirmed(browser, await typed(browser, device.user_code), { abort: 'yes' })
    await assert.rejects(poll(device.device_code), refused('access_denied'))
  })

  test('gets nothing with another client, in another realm, or when it polls for what there is not', async () => {
    const device = await started()
    const browser = site.browser()
    await confirmed(browser, await typed(browser, device.user_code))
    await assert.rejects(poll(device.device_code, globexApp), refused('invalid_grant'))
    const other = parseClientId('other')
    const secret = await site.identity.realms.putClient(acme, other, {
      roles: [],
      scopes: ['read'],
      grantTypes: [GRANT],
    })
    const otherApp = await site.app(acme, String(secret), { client_id: other })
    await assert.rejects(poll(device.device_code, otherApp), refused('invalid_grant'))
    await assert.rejects(poll('nothing'), refused('invalid_grant'))
    await poll(device.device_code)
  })
})

describe('a device’s code', () => {
  test('is typed in its own realm alone', async () => {
    const device = await started()
    const browser = site.browser()
    const page = await browser.get(`${BASE}/realms/globex/device`)
    const form = formIn(page.text)
    assert.ok(form !== undefined)
    const answer = await browser.post(form.action, { ...form.fields, user_code: device.user_code })
    assert.match(answer.text, /not good/)
  })

  test('that is wrong, used or made up is answered alike, and nothing that was typed is markup', async () => {
    const used = await started()
    const browser = site.browser()
    await confirmed(browser, await typed(browser, used.user_code))
    const answers = []
    for (const code of [used.user_code, 'BBBB-BBBB', '<script>alert(1)</script>', '']) {
      const { text, status } = await typed(browser, code)
      assert.ok(!text.includes('<script'))
      answers.push([status, text.replace(/value="[^"]*"/g, '')])
    }
    for (const answer of answers) assert.deepEqual(answer, answers[0])
  })

  test('is not taken from a page that is not ours', async () => {
    const device = await started()
    const browser = site.browser()
    await browser.get(`${BASE}/realms/acme/device`)
    for (const xsrf of ['', 'x'.repeat(48)]) {
      const fields = { xsrf, user_code: device.user_code, confirm: 'yes' }
      await browser.post(`${BASE}/realms/acme/device`, fields)
    }
    await assert.rejects(poll(device.device_code), refused('authorization_pending'))
  })
})
