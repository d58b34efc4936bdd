import assert from 'node:assert/strict'
import { createVerify } from 'node:crypto'
import { after, before, beforeEach, describe, test } from 'node:test'
import { encoded, goodParts, idpKeys, signedResponse, signXml } from './hostile-idp.test-support.ts'
import { ANN, encryptingTo, libraryResponse } from './library-idp.test-support.ts'
import {
  connectSaml,
  ENTITY_ID,
  handIn,
  type SamlSite,
  SSO_URL,
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

const metadataOf = async (connection = 'saml') => {
  const setup = await site.federation.administration.setup(site.acme, connection)
  assert.ok(setup.kind === 'saml')
  return setup
}

test('a person signs in through a provider that nobody here wrote', async () => {
  const request = await site.start(site.acme)
  const page = await handIn(request, await libraryResponse(request, site.keys))
  assert.equal(page.text, 'finished', site.logged.join())
  const [done] = site.finished
  assert.ok(done)
  const account = await site.base.directory.account(site.acme, done.subject)
  assert.deepEqual(
    [account?.displayName, account?.givenName, account?.familyName, account?.email],
    ['Ann Able', 'Ann', 'Able', 'ann@acme.example'],
  )
  assert.equal(account?.emailVerified, false)
})

test('the same person at the same provider is another user in another realm', async () => {
  for (const tenant of [site.acme, site.globex]) {
    const request = await site.start(tenant)
    await handIn(request, await libraryResponse(request, site.keys))
  }
  const [inAcme, inGlobex] = site.finished
  assert.ok(inAcme && inGlobex)
  assert.notEqual(inAcme.subject, inGlobex.subject)
  assert.equal(await site.base.directory.account(site.globex, inAcme.subject), undefined)
})

test('a request is signed with the key that the metadata publishes, and names its realm', async () => {
  const { browser, query, destination, acs, issuer, xml } = await site.start(site.acme)
  assert.equal(destination, SSO_URL)
  const { metadata, entityId, assertionConsumerService } = await metadataOf()
  assert.deepEqual([issuer, acs], [entityId, assertionConsumerService])
  assert.equal(issuer, `${site.issuer(site.acme)}/federation/saml/metadata`)
  assert.match(xml, /nameid-format:persistent/)
  const served = await browser.get(entityId)
  const withoutId = (text: string) => text.replace(/ ID="[^"]*"/, '')
  assert.equal(withoutId(served.text), withoutId(metadata))
  const certificate = /use="signing".*?<ds:X509Certificate>([^<]+)</s.exec(metadata)?.[1]
  const signed = ['SAMLRequest', 'RelayState', 'SigAlg']
    .map((name) => `${name}=${encodeURIComponent(query.get(name) ?? '')}`)
    .join('&')
  const pem = `-----BEGIN CERTIFICATE-----\n${certificate}\n-----END CERTIFICATE-----`
  const verified = createVerify('RSA-SHA256').update(signed)
  assert.ok(verified.verify(pem, query.get('Signature') ?? '', 'base64'))
})

test('the cookie of a sign-in comes with the form that the provider’s site posts', async () => {
  const browser = (await site.start(site.acme)).browser
  browser.enter(site.issuer(site.acme), 'cookie')
  const url = `${site.issuer(site.acme)}/interaction/cookie/federation/saml`
  const [cookie = ''] = (await browser.get(url)).headers.getSetCookie()
  assert.match(cookie, /; SameSite=None; Secure$/)
  assert.match(cookie, /; Path=\/realms\/acme\/federation\/saml; HttpOnly/)
})

describe('an encrypted assertion', () => {
  before(async () => {
    for (const encryption of ['accepted', 'required']) {
      await connectSaml(site, site.acme, encryption, [site.keys], { encryption })
    }
  })

  /** Encrypted to the key of `to`, handed in at `connection`. */
  const handInEncrypted = async (
    connection: string,
    changes: Parameters<typeof libraryResponse>[2] = {},
    { to = connection, keys = site.keys } = {},
  ) => {
    const request = await site.start(site.acme, connection)
    const { metadata } = await metadataOf(to)
    const xml = await libraryResponse(request, keys, { ...encryptingTo(metadata), ...changes })
    assert.match(xml, /EncryptedAssertion/)
    assert.doesNotMatch(xml, /Ann Able/)
    return handIn(request, xml)
  }

  test('signs in where the connection takes such', async () => {
    for (const connection of ['accepted', 'required']) {
      assert.equal((await handInEncrypted(connection)).text, 'finished', site.logged.join())
    }
  })

  test('is the only one taken where it is required, and not taken where it is off', async () => {
    const plain = await site.start(site.acme, 'required')
    const page = await handIn(plain, await libraryResponse(plain, site.keys))
    site.assertRefused(page, 'response_invalid')
    site.assertRefused(await handInEncrypted('saml', {}, { to: 'accepted' }), 'response_invalid')
    assert.doesNotMatch((await metadataOf('saml')).metadata, /use="encryption"/)
  })

  test('that a stranger signed signs nobody in', async () => {
    const page = await handInEncrypted('accepted', {}, { keys: site.stranger, to: 'accepted' })
    site.assertRefused(page, 'signature_invalid')
  })

  test('in a way whose failures tell something is refused unread', async () => {
    const page = await handInEncrypted('accepted', {
      encryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#aes256-cbc',
      disallowEncryptionWithInsecureAlgorithm: false,
      warnOnInsecureEncryptionAlgorithm: false,
    })
    site.assertRefused(page, 'algorithm_refused')
  })

  test('to another key does not open', async () => {
    const page = await handInEncrypted('accepted', {}, { to: 'required' })
    site.assertRefused(page, 'response_invalid')
  })
})

test('while a provider changes its certificate both are good, and afterwards the new one alone', async () => {
  const next = await idpKeys('next')
  await connectSaml(site, site.acme, 'rollover', [site.keys, next])
  for (const keys of [site.keys, next]) {
    const request = await site.start(site.acme, 'rollover')
    assert.equal((await handIn(request, await libraryResponse(request, keys))).text, 'finished')
  }
  await connectSaml(site, site.acme, 'rollover', [next])
  site.finished.length = 0
  const request = await site.start(site.acme, 'rollover')
  const page = await handIn(request, await libraryResponse(request, site.keys))
  site.assertRefused(page, 'signature_invalid')
})

test('a signature on the response is demanded where the connection says so', async () => {
  await connectSaml(site, site.acme, 'signed', [site.keys], { requireSignedResponse: true })
  const unsigned = await site.start(site.acme, 'signed')
  const bare = await handIn(unsigned, await libraryResponse(unsigned, site.keys))
  site.assertRefused(bare, 'signature_invalid')
  const request = await site.start(site.acme, 'signed')
  const parts = goodParts(request, ENTITY_ID)
  const stranger = signXml(signedResponse(parts, site.keys), parts.responseId, site.stranger)
  site.assertRefused(await handIn(request, stranger), 'signature_invalid')
  const good = await site.start(site.acme, 'signed')
  const both = goodParts(good, ENTITY_ID)
  const page = await handIn(
    good,
    signXml(signedResponse(both, site.keys), both.responseId, site.keys),
  )
  assert.equal(page.text, 'finished', site.logged.join())
})

test('a person can be named by an attribute; by two values of it, nobody is', async () => {
  await connectSaml(site, site.acme, 'attribute', [site.keys], { subject: { attribute: 'uid' } })
  const signIn = async (attributes: Readonly<Record<string, readonly string[]>>) => {
    const request = await site.start(site.acme, 'attribute')
    const parts = { ...goodParts(request, ENTITY_ID), nameId: `transient-${Math.random()}` }
    return handIn(request, signedResponse({ ...parts, attributes }, site.keys))
  }
  assert.equal((await signIn({ uid: ['ann'] })).text, 'finished')
  assert.equal((await signIn({ uid: ['ann'] })).text, 'finished')
  assert.equal(site.finished[0]?.subject, site.finished[1]?.subject)
  site.finished.length = 0
  site.assertRefused(await signIn({ uid: ['ann', 'bob'] }), 'subject_missing')
  site.assertRefused(await signIn({}), 'subject_missing')
  site.assertRefused(await signIn({ toString: [] }), 'subject_missing')
})

test('two factors at the provider count only where the connection trusts it', async () => {
  await connectSaml(site, site.acme, 'trusted', [site.keys], { trustFactors: true })
  const context = { authnContextClassRef: 'https://refeds.org/profile/mfa' }
  for (const connection of ['saml', 'trusted']) {
    const request = await site.start(site.acme, connection)
    await handIn(request, await libraryResponse(request, site.keys, context))
  }
  assert.deepEqual(
    site.finished.map(({ amr }) => amr),
    [[], ['mfa']],
  )
})

describe('a response that nobody asked for', () => {
  const START = 'https://app.example/sign-in'
  const unsolicited = async (connection: string, relayState = 'https://evil.example/') => {
    const request = await site.start(site.acme, connection)
    const parts = goodParts(request, ENTITY_ID)
    const nothing = { inResponseTo: undefined, confirmationInResponseTo: undefined }
    const xml = signedResponse({ ...parts, ...nothing }, site.keys)
    const fields = { SAMLResponse: encoded(xml), RelayState: relayState }
    return { page: await request.browser.post(request.acs, fields), request, fields }
  }

  test('is refused unless the connection takes such', async () => {
    site.assertRefused((await unsolicited('saml')).page, 'unsolicited')
  })

  test('signs nobody in where it is taken: an ordinary sign-in begins, wherever RelayState points', async () => {
    const idpInitiated = { startUrl: START }
    await connectSaml(site, site.acme, 'initiated', [site.keys], { idpInitiated })
    const { page, request, fields } = await unsolicited('initiated')
    assert.equal(page.status, 303)
    assert.equal(page.location, START)
    assert.equal(site.finished.length, 0)
    assert.deepEqual(page.headers.getSetCookie(), [])
    site.assertRefused(await request.browser.post(request.acs, fields), 'replayed')
    const forged = await site.start(site.acme, 'initiated')
    const answer = signedResponse(goodParts(forged, ENTITY_ID), site.keys)
    const page2 = await forged.browser.post(forged.acs, { SAMLResponse: encoded(answer) })
    site.assertRefused(page2, 'wrong_request')
  })
})

test('nothing of the person is kept that is not mapped', async () => {
  const request = await site.start(site.globex)
  await handIn(request, await libraryResponse(request, site.keys))
  assert.ok(ANN.groups?.includes('Skiers'))
  const { rows } = await site.base.admin.query<{ text: string }>(
    `select string_agg(t, '') as text from (select a::text as t from identity.account a
       union all select r::text from identity.federation_request r) kept`,
  )
  assert.ok(rows[0]?.text.includes('Ann Able'))
  assert.ok(!rows[0]?.text.includes('Skiers'))
})

test('what is over is deleted, and what is not stays', async () => {
  const { admin } = site.base
  const request = await site.start(site.acme)
  await handIn(request, await libraryResponse(request, site.keys))
  const open = await site.start(site.acme)
  await admin.query(`update identity.federation_used set expires_at = now() - interval '1 second'`)
  await admin.query(
    `update identity.federation_request set expires_at = now() - interval '1 second'
     where interaction <> $1`,
    [open.interaction],
  )
  await site.federation.maintain()
  const { rows } = await admin.query<{ used: number; open: number }>(
    `select (select count(*)::int from identity.federation_used) as used,
       (select count(*)::int from identity.federation_request) as open`,
  )
  assert.deepEqual(rows[0], { used: 0, open: 1 })
})
