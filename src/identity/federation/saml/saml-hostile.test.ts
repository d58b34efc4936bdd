import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { TenantId } from '../../../core/tenant.ts'
import { Browser, type Page } from '../browser.test-support.ts'
import { type FederationSite, startFederationSite } from '../federation-site.test-support.ts'
import {
  assertionXml,
  encoded,
  goodParts,
  type IdpKeys,
  idpKeys,
  type Parts,
  responseXml,
  signedAssertion,
  signedResponse,
  signXml,
} from './hostile-idp.test-support.ts'
import { connectSaml, ENTITY_ID, handIn, type SamlRequest, startSaml } from './saml-site.test-support.ts'

let site: FederationSite
let acme: TenantId
let globex: TenantId
let keys: IdpKeys
let stranger: IdpKeys

before(async () => {
  site = await startFederationSite()
  acme = await site.realm('acme')
  globex = await site.realm('globex')
  keys = await idpKeys('idp')
  stranger = await idpKeys('stranger')
  for (const tenant of [acme, globex]) await connectSaml(site, tenant, 'saml', [keys])
})
after(() => site.stop())
beforeEach(() => {
  site.finished.length = 0
  site.logged.length = 0
})

function assertRefused(page: Page, reason: string): void {
  assert.equal(site.finished.length, 0, page.text)
  assert.equal(page.status, 403)
  assert.match(site.logged.at(-1) ?? '', new RegExp(reason))
}

/** One try, from a new request to its end. */
async function attempt(make: (parts: Parts, request: SamlRequest) => string): Promise<Page> {
  const request = await startSaml(site, acme)
  return handIn(request, make(goodParts(request, ENTITY_ID), request))
}

test('a good response signs in, so that each refusal below is for its own fault', async () => {
  const request = await startSaml(site, acme)
  const page = await handIn(request, signedResponse(goodParts(request, ENTITY_ID), keys))
  assert.equal(page.text, 'finished', site.logged.join())
  assert.equal(site.finished[0]?.interaction, request.interaction)
  assert.equal(site.finished[0]?.kind, 'saml')
})

test('a response that is signed as well as its assertion signs in', async () => {
  const page = await attempt((parts) =>
    signXml(signedResponse(parts, keys), parts.responseId, keys),
  )
  assert.equal(page.text, 'finished', site.logged.join())
})

describe('a response', () => {
  const cases: readonly (readonly [string, string, (parts: Parts) => string])[] = [
    ['that nobody signed', 'signature_invalid', (p) => responseXml(p, assertionXml(p))],
    ['signed by a stranger', 'signature_invalid', (p) => signedResponse(p, stranger)],
    ['signed itself, its assertion not', 'signature_invalid', (p) => signXml(responseXml(p, assertionXml(p)), p.responseId, keys)],
    ['whose signature was taken out', 'signature_invalid', (p) => signedResponse(p, keys).replace(/<Signature.*<\/Signature>/s, '')],
    ['changed after it was signed', 'signature_invalid', (p) => signedResponse(p, keys).replace('>person-1<', '>person-2<')],
    ['signed with RSA-SHA1', 'algorithm_refused', (p) => responseXml(p, signedAssertion(p, keys, { signature: 'http://www.w3.org/2000/09/xmldsig#rsa-sha1' }))],
    ['with a SHA-1 digest', 'algorithm_refused', (p) => responseXml(p, signedAssertion(p, keys, { digest: 'http://www.w3.org/2000/09/xmldsig#sha1' }))],
    ['whose comments are signed too', 'algorithm_refused', (p) => responseXml(p, signedAssertion(p, keys, { canonicalization: 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments' }))],
    ['that claims to be signed with HMAC', 'algorithm_refused', (p) => signedResponse(p, keys).replace('http://www.w3.org/2001/04/xmldsig-more#rsa-sha256', 'http://www.w3.org/2000/09/xmldsig#hmac-sha1')],
    ['of another issuer', 'wrong_issuer', (p) => signedResponse({ ...p, issuer: 'https://evil.example' }, keys)],
    ['whose assertion is of another issuer', 'wrong_issuer', (p) => responseXml(p, signedAssertion({ ...p, issuer: `${ENTITY_ID}/` }, keys))],
    ['for another audience', 'wrong_audience', (p) => signedResponse({ ...p, audience: 'https://other.example' }, keys)],
    ['for another recipient', 'wrong_recipient', (p) => signedResponse({ ...p, recipient: 'https://other.example/acs' }, keys)],
    ['with another destination', 'wrong_recipient', (p) => signedResponse({ ...p, destination: 'https://other.example/acs' }, keys)],
    ['to another request', 'wrong_request', (p) => signedResponse({ ...p, inResponseTo: '_other' }, keys)],
    ['whose assertion is for another request', 'wrong_request', (p) => signedResponse({ ...p, confirmationInResponseTo: '_other' }, keys)],
    ['to no request', 'wrong_request', (p) => signedResponse({ ...p, inResponseTo: undefined }, keys)],
    ['whose assertion is for no request', 'wrong_request', (p) => signedResponse({ ...p, confirmationInResponseTo: undefined }, keys)],
    ['that has expired', 'expired', (p) => signedResponse({ ...p, notOnOrAfter: new Date(Date.now() - 120_000) }, keys)],
    ['that is not valid yet', 'expired', (p) => signedResponse({ ...p, notBefore: new Date(Date.now() + 120_000) }, keys)],
    ['issued long ago, valid for long', 'expired', (p) => signedResponse({ ...p, issuedAt: new Date(Date.now() - 3_600_000), notOnOrAfter: new Date(Date.now() + 3_600_000) }, keys)],
    ['issued in the future', 'expired', (p) => signedResponse({ ...p, issuedAt: new Date(Date.now() + 3_600_000), notOnOrAfter: new Date(Date.now() + 7_200_000) }, keys)],
    ['of a sign-in that failed', 'provider_refused', (p) => signedResponse({ ...p, status: 'urn:oasis:names:tc:SAML:2.0:status:Responder' }, keys)],
    ['with a transient name', 'subject_missing', (p) => signedResponse({ ...p, nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient' }, keys)],
    ['with a name of another format', 'subject_missing', (p) => signedResponse({ ...p, nameIdFormat: 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress' }, keys)],
    ['without a name', 'subject_missing', (p) => signedResponse({ ...p, nameId: '' }, keys)],
    ['with two assertions', 'response_malformed', (p) => responseXml(p, signedAssertion(p, keys) + assertionXml({ ...p, id: '_second' }))],
    ['with the same assertion twice', 'response_malformed', (p) => responseXml(p, signedAssertion(p, keys).repeat(2))],
    ['without an assertion', 'response_malformed', (p) => responseXml(p, '')],
    ['that is no response', 'response_malformed', (p) => signedAssertion(p, keys)],
    ['with a document type', 'response_malformed', (p) => `<!DOCTYPE x>${signedResponse(p, keys)}`],
    ['with an entity from a file', 'response_malformed', (p) => `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${signedResponse({ ...p, nameId: '&f;' }, keys)}`],
    ['with an entity that nobody declared', 'response_malformed', (p) => signedResponse(p, keys).replace('person-1', '&f;')],
    ['with a comment in the name', 'response_malformed', (p) => signedResponse({ ...p, nameId: 'admin@acme.example.evil.example' }, keys).replace('admin@acme.example.evil', 'admin@acme.example<!-- -->.evil')],
    ['with CDATA in the name', 'response_malformed', (p) => signedResponse(p, keys).replace('person-1', '<![CDATA[person-1]]>')],
    ['with an instruction in the name', 'response_malformed', (p) => signedResponse(p, keys).replace('person-1', 'person<?x?>-1')],
    ['with an element in the name', 'response_malformed', (p) => signedResponse({ ...p, nameId: 'person-1<x/>' }, keys)],
    ['with an extension', 'response_malformed', (p) => signedResponse(p, keys).replace('<samlp:Status>', '<samlp:Extensions/><samlp:Status>')],
    ['with two signatures on the assertion', 'response_malformed', (p) => signedResponse(p, keys).replace(/(<Signature.*<\/Signature>)/s, '$1$1')],
    ['whose signature covers something else', 'signature_invalid', (p) => signedResponse(p, keys).replace(`URI="#${p.id}"`, `URI="#${p.responseId}"`)],
    ['whose signature covers everything by an empty reference', 'signature_invalid', (p) => signedResponse(p, keys).replace(`URI="#${p.id}"`, 'URI=""')],
    ['that is too deep', 'response_malformed', (p) => signedResponse({ ...p, attributes: { a: ['<x>'.repeat(60) + '</x>'.repeat(60)] } }, keys)],
    ['that is too large', 'response_malformed', (p) => signedResponse({ ...p, attributes: { a: ['x'.repeat(300_000)] } }, keys)],
  ]
  for (const [what, reason, make] of cases) {
    test(`${what} signs nobody in`, async () => assertRefused(await attempt(make), reason))
  }

  test('in another encoding than UTF-8, or none, signs nobody in', async () => {
    for (const body of [Buffer.from('<x/>', 'utf16le'), Buffer.of(0xff, 0xfe, 0x3c), Buffer.alloc(0)]) {
      const { browser, acs, relayState } = await startSaml(site, acme)
      const fields = { SAMLResponse: body.toString('base64'), RelayState: relayState }
      assertRefused(await browser.post(acs, fields), 'response_malformed')
    }
    const { browser, acs, relayState } = await startSaml(site, acme)
    assertRefused(
      await browser.post(acs, { SAMLResponse: '<not base64>', RelayState: relayState }),
      'response_malformed',
    )
  })
})

describe('a signature moved away from what is read (XSW)', () => {
  /** The forged assertion names somebody else and has an id of its own. */
  const forged = (parts: Parts) => assertionXml({ ...parts, id: '_forged', nameId: 'victim' })
  const bare = (signed: string) => signed.replace(/<Signature.*<\/Signature>/s, '')
  const signatureOf = (signed: string) => /<Signature.*<\/Signature>/s.exec(signed)?.[0] ?? ''
  /** Puts something in after the issuer, where a signature is looked for. */
  const afterIssuer = (xml: string, inserted: string) =>
    xml.replace('</saml:Issuer>', `</saml:Issuer>${inserted}`)
  const inside = (signature: string, inserted: string) =>
    signature.replace('</Signature>', `<Object>${inserted}</Object></Signature>`)

  const shapes: readonly (readonly [number, (parts: Parts) => string])[] = [
    // The response is signed, and the signed one goes into the forged one's signature (1) or beside it (2).
    [1, (p) => {
      const signed = signXml(signedResponse(p, keys), p.responseId, keys)
      const signature = signatureOf(signed.slice(0, signed.indexOf('<samlp:Status>')))
      const evil = responseXml({ ...p, responseId: '_evil' }, forged(p))
      return afterIssuer(evil, inside(signature, signed.replace(signature, '')))
    }],
    [2, (p) => {
      const signed = signXml(signedResponse(p, keys), p.responseId, keys)
      const signature = signatureOf(signed.slice(0, signed.indexOf('<samlp:Status>')))
      const evil = responseXml({ ...p, responseId: '_evil' }, forged(p))
      return afterIssuer(evil, signed.replace(signature, '') + signature)
    }],
    // The forged assertion before the signed one (3), or around it (4).
    [3, (p) => responseXml(p, forged(p) + signedAssertion(p, keys))],
    [4, (p) => responseXml(p, forged(p).replace('</saml:Assertion>', `${signedAssertion(p, keys)}</saml:Assertion>`))],
    // The signature in the forged one; the signed assertion at the end (5), or in the signature (6).
    [5, (p) => {
      const signed = signedAssertion(p, keys)
      return responseXml(p, afterIssuer(forged(p), signatureOf(signed)) + bare(signed))
    }],
    [6, (p) => {
      const signed = signedAssertion(p, keys)
      return responseXml(p, afterIssuer(forged(p), inside(signatureOf(signed), bare(signed))))
    }],
    // The forged one in an extension (7); the signed one in an object of the forged one's signature (8).
    [7, (p) => responseXml(p, `<samlp:Extensions>${forged(p)}</samlp:Extensions>${signedAssertion(p, keys)}`)],
    [8, (p) => {
      const signed = signedAssertion(p, keys)
      const signature = signatureOf(signed)
      return responseXml(p, afterIssuer(forged(p), inside(signature, bare(signed))).replace('ID="_forged"', `ID="_forged" xml:id="${p.id}"`))
    }],
  ]
  for (const [shape, make] of shapes) {
    test(`in shape ${shape} signs nobody in`, async () => {
      assertRefused(await attempt(make), 'response_malformed|signature_invalid')
    })
  }

  test('under an id that is there twice signs nobody in', async () => {
    const page = await attempt((p) => {
      const signed = signedAssertion(p, keys)
      const evil = assertionXml({ ...p, nameId: 'victim' })
      return responseXml(p, afterIssuer(evil, inside(signatureOf(signed), bare(signed))))
    })
    assertRefused(page, 'response_malformed')
  })

  test('with the signature of another assertion signs nobody in', async () => {
    const page = await attempt((p) =>
      responseXml(p, afterIssuer(assertionXml({ ...p, nameId: 'victim' }), signatureOf(signedAssertion(p, keys)))),
    )
    assertRefused(page, 'signature_invalid')
  })
})

describe('a good response', () => {
  test('is good once: handed in again, nobody is signed in', async () => {
    const request = await startSaml(site, acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), keys)
    assert.equal((await handIn(request, xml)).text, 'finished')
    site.finished.length = 0
    assertRefused(await handIn(request, xml), 'unsolicited')
  })

  test('is good once, also when it comes twice at the same moment', async () => {
    const request = await startSaml(site, acme)
    const fields = {
      SAMLResponse: encoded(signedResponse(goodParts(request, ENTITY_ID), keys)),
      RelayState: request.relayState,
    }
    const pages = await Promise.all([1, 2, 3].map(() => request.browser.post(request.acs, fields)))
    assert.deepEqual(pages.map(({ status }) => status).sort(), [303, 403, 403])
  })

  test('whose assertion was used for another request is refused by its id', async () => {
    const first = await startSaml(site, acme)
    const parts = goodParts(first, ENTITY_ID)
    assert.equal((await handIn(first, signedResponse(parts, keys))).text, 'finished')
    site.finished.length = 0
    const second = await startSaml(site, acme)
    const again = { ...goodParts(second, ENTITY_ID), id: parts.id }
    assertRefused(await handIn(second, signedResponse(again, keys)), 'replayed')
  })

  test('is nothing in another browser: an attacker cannot sign a victim in as somebody else', async () => {
    const attacker = await startSaml(site, acme)
    const victim = await startSaml(site, acme)
    const xml = signedResponse(goodParts(attacker, ENTITY_ID), keys)
    assertRefused(await handIn({ ...attacker, browser: victim.browser }, xml), 'unsolicited')
    assertRefused(await handIn({ ...victim, relayState: victim.relayState }, xml), 'wrong_request')
    assertRefused(await handIn({ ...attacker, browser: new Browser() }, xml), 'unsolicited')
  })

  test('of a provider that two realms use is nothing in the other realm', async () => {
    const request = await startSaml(site, acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), keys)
    const other = await startSaml(site, globex)
    assertRefused(await handIn(other, xml), 'wrong_recipient')
    // Also with everything that its sender can choose made right for the other realm.
    const redirected = await startSaml(site, globex)
    const parts = { ...goodParts(request, ENTITY_ID), destination: redirected.acs }
    assertRefused(await handIn(redirected, signedResponse(parts, keys)), 'wrong_request')
    const moved = await startSaml(site, globex)
    const readdressed = {
      ...goodParts(request, ENTITY_ID),
      destination: moved.acs,
      inResponseTo: moved.id,
    }
    assertRefused(
      await handIn(moved, signedResponse(readdressed, keys)),
      'wrong_request|wrong_audience|wrong_recipient',
    )
  })

  test('of another connection of the realm is nothing at this one', async () => {
    await connectSaml(site, acme, 'second', [keys])
    const request = await startSaml(site, acme)
    const xml = signedResponse(goodParts(request, ENTITY_ID), keys)
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
