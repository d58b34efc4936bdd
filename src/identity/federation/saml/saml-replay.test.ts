import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Browser } from '../browser.test-support.ts'
import { encoded, goodParts, signedResponse } from './hostile-idp.test-support.ts'
import {
  connectSaml,
  ENTITY_ID,
  handIn,
  type SamlSite,
  startSamlSite,
} from './saml-site.test-support.ts'

let site: SamlSite

before(async () => {
  site = await startSamlSite()
})
after(() => site.stop())
beforeEach(() => {
  site.finished.length = 0
})

describe('a good response', () => {
  test('is good once: handed in again, nobody is signed in', async () => {
    const request = await site.start(site.acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), site.keys)
    assert.equal((await handIn(request, xml)).text, 'finished')
    site.finished.length = 0
    site.assertRefused(await handIn(request, xml), 'unsolicited')
  })

  test('is good once, also when it comes twice at the same moment', async () => {
    const request = await site.start(site.acme)
    const fields = {
      SAMLResponse: encoded(signedResponse(goodParts(request, ENTITY_ID), site.keys)),
      RelayState: request.relayState,
    }
    const pages = await Promise.all([1, 2, 3].map(() => request.browser.post(request.acs, fields)))
    assert.deepEqual(pages.map(({ status }) => status).sort(), [303, 403, 403])
  })

  test('whose assertion was used for another request is refused by its id', async () => {
    const first = await site.start(site.acme)
    const parts = goodParts(first, ENTITY_ID)
    assert.equal((await handIn(first, signedResponse(parts, site.keys))).text, 'finished')
    site.finished.length = 0
    const second = await site.start(site.acme)
    const again = { ...goodParts(second, ENTITY_ID), id: parts.id }
    site.assertRefused(await handIn(second, signedResponse(again, site.keys)), 'replayed')
  })

  test('is nothing in another browser: an attacker cannot sign a victim in as somebody else', async () => {
    const attacker = await site.start(site.acme)
    const victim = await site.start(site.acme)
    const xml = signedResponse(goodParts(attacker, ENTITY_ID), site.keys)
    site.assertRefused(await handIn({ ...attacker, browser: victim.browser }, xml), 'unsolicited')
    site.assertRefused(
      await handIn({ ...victim, relayState: victim.relayState }, xml),
      'wrong_request',
    )
    site.assertRefused(await handIn({ ...attacker, browser: new Browser() }, xml), 'unsolicited')
  })

  test('of a provider that two realms use is nothing in the other realm', async () => {
    const request = await site.start(site.acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), site.keys)
    const other = await site.start(site.globex)
    site.assertRefused(await handIn(other, xml), 'wrong_recipient')
    // Also with everything that its sender can choose made right for the other realm.
    const redirected = await site.start(site.globex)
    const parts = { ...goodParts(request, ENTITY_ID), destination: redirected.acs }
    site.assertRefused(await handIn(redirected, signedResponse(parts, site.keys)), 'wrong_request')
    const moved = await site.start(site.globex)
    const readdressed = {
      ...goodParts(request, ENTITY_ID),
      destination: moved.acs,
      inResponseTo: moved.id,
    }
    site.assertRefused(
      await handIn(moved, signedResponse(readdressed, site.keys)),
      'wrong_request|wrong_audience|wrong_recipient',
    )
  })

  test('of another connection of the realm is nothing at this one', async () => {
    await connectSaml(site, site.acme, 'second', [site.keys])
    const request = await site.start(site.acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), site.keys)
    const acs = request.acs.replace('/saml/', '/second/')
    const cookie = request.browser.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    const page = await fetch(acs, {
      method: 'POST',
      headers: { cookie },
      body: new URLSearchParams({ SAMLResponse: encoded(xml), RelayState: request.relayState }),
      redirect: 'manual',
    })
    assert.equal(page.status, 403)
  })
})
