import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  assertionXml,
  goodParts,
  type Parts,
  responseXml,
  type Signing,
  signedAssertion,
  signedResponse,
  signXml,
} from './hostile-idp.test-support.ts'
import { ENTITY_ID, handIn, type SamlSite, startSamlSite } from './saml-site.test-support.ts'

let site: SamlSite

before(async () => {
  site = await startSamlSite()
})
after(() => site.stop())

type Make = (parts: Parts) => string

/** Signed as it should be, with something else in it. */
const saying =
  (changes: Partial<Parts>): Make =>
  (parts) =>
    signedResponse({ ...parts, ...changes }, site.keys)
/** Good, and changed after it was signed. */
const changed =
  (from: string | RegExp, to: string): Make =>
  (parts) => {
    const signed = signedResponse(parts, site.keys)
    assert.notEqual(signed.replace(from, to), signed)
    return signed.replace(from, to)
  }
const signedHow =
  (how: Signing): Make =>
  (parts) =>
    responseXml(parts, signedAssertion(parts, site.keys, how))
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000)

const SHA1 = 'http://www.w3.org/2000/09/xmldsig#sha1'
const RSA_SHA1 = 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'
const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256'
const HMAC_SHA1 = 'http://www.w3.org/2000/09/xmldsig#hmac-sha1'
const WITH_COMMENTS = 'http://www.w3.org/2001/10/xml-exc-c14n#WithComments'
const TRANSIENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient'
const EMAIL = 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress'
const RESPONDER = 'urn:oasis:names:tc:SAML:2.0:status:Responder'
const EVIL = 'https://evil.example'
const SIGNATURE = /<Signature.*<\/Signature>/s

test('a good response signs in, so that each refusal below is for its own fault', async () => {
  const { page, request } = await site.attempt((parts) => signedResponse(parts, site.keys))
  assert.equal(page.text, 'finished', site.logged.join())
  assert.equal(site.finished[0]?.interaction, request.interaction)
  assert.equal(site.finished[0]?.kind, 'saml')
})

test('a response that is signed as well as its assertion signs in', async () => {
  const { page } = await site.attempt((parts) =>
    signXml(signedResponse(parts, site.keys), parts.responseId, site.keys),
  )
  assert.equal(page.text, 'finished', site.logged.join())
})

const SIGNATURES: Cases = [
  ['that nobody signed', 'signature_invalid', (p) => responseXml(p, assertionXml(p))],
  ['signed by a stranger', 'signature_invalid', (p) => signedResponse(p, site.stranger)],
  [
    'signed itself, its assertion not',
    'signature_invalid',
    (p) => signXml(responseXml(p, assertionXml(p)), p.responseId, site.keys),
  ],
  ['whose signature was taken out', 'signature_invalid', changed(SIGNATURE, '')],
  ['changed after it was signed', 'signature_invalid', changed('>person-1<', '>person-2<')],
  ['signed with RSA-SHA1', 'algorithm_refused', signedHow({ signature: RSA_SHA1 })],
  ['with a SHA-1 digest', 'algorithm_refused', signedHow({ digest: SHA1 })],
  [
    'whose comments are signed too',
    'algorithm_refused',
    signedHow({ canonicalization: WITH_COMMENTS }),
  ],
  ['that claims to be signed with HMAC', 'algorithm_refused', changed(RSA_SHA256, HMAC_SHA1)],
  [
    'with two signatures on the assertion',
    'response_malformed',
    changed(/(<Signature.*<\/Signature>)/s, '$1$1'),
  ],
  [
    'whose signature covers something else',
    'signature_invalid',
    changed(/URI="#_assertion/, 'URI="#_response'),
  ],
  [
    'whose signature covers all by an empty reference',
    'signature_invalid',
    changed(/URI="[^"]*"/, 'URI=""'),
  ],
]

const MEANINGS: Cases = [
  ['of another issuer', 'wrong_issuer', saying({ issuer: EVIL })],
  [
    'whose assertion is of another issuer',
    'wrong_issuer',
    (p) => responseXml(p, signedAssertion({ ...p, issuer: `${ENTITY_ID}/` }, site.keys)),
  ],
  ['for another audience', 'wrong_audience', saying({ audience: EVIL })],
  ['for another recipient', 'wrong_recipient', saying({ recipient: EVIL })],
  ['with another destination', 'wrong_recipient', saying({ destination: EVIL })],
  ['to another request', 'wrong_request', saying({ inResponseTo: '_other' })],
  [
    'whose assertion is for another request',
    'wrong_request',
    saying({ confirmationInResponseTo: '_other' }),
  ],
  ['to no request', 'wrong_request', saying({ inResponseTo: undefined })],
  [
    'whose assertion is for no request',
    'wrong_request',
    saying({ confirmationInResponseTo: undefined }),
  ],
  ['that has expired', 'expired', saying({ notOnOrAfter: inSeconds(-120) })],
  ['that is not valid yet', 'expired', saying({ notBefore: inSeconds(300) })],
  [
    'issued long ago and valid for long',
    'expired',
    saying({ issuedAt: inSeconds(-3_600), notOnOrAfter: inSeconds(3_600) }),
  ],
  [
    'issued in the future',
    'expired',
    saying({ issuedAt: inSeconds(3_600), notOnOrAfter: inSeconds(7_200) }),
  ],
  ['of a sign-in that failed', 'provider_refused', saying({ status: RESPONDER })],
  ['with a transient name', 'subject_missing', saying({ nameIdFormat: TRANSIENT })],
  ['with a name of another format', 'subject_missing', saying({ nameIdFormat: EMAIL })],
  ['without a name', 'subject_missing', saying({ nameId: '' })],
]

const SHAPES: Cases = [
  [
    'with two assertions',
    'response_malformed',
    (p) => responseXml(p, signedAssertion(p, site.keys) + assertionXml({ ...p, id: '_second' })),
  ],
  [
    'with the same assertion twice',
    'response_malformed',
    (p) => responseXml(p, signedAssertion(p, site.keys).repeat(2)),
  ],
  ['without an assertion', 'response_malformed', (p) => responseXml(p, '')],
  ['that is no response', 'response_malformed', (p) => signedAssertion(p, site.keys)],
  ['with a document type', 'response_malformed', changed(/^/, '<!DOCTYPE x>')],
  [
    'with an entity from a file',
    'response_malformed',
    (p) => `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>${changed('person-1', '&f;')(p)}`,
  ],
  ['with an entity that nobody declared', 'response_malformed', changed('person-1', '&f;')],
  [
    // The signature does not cover comments, so that it stays genuine.
    'with a comment that cuts the name short',
    'response_malformed',
    (p) =>
      signedResponse({ ...p, nameId: 'admin@acme.example.evil.example' }, site.keys).replace(
        'acme.example.evil',
        'acme.example<!-- -->.evil',
      ),
  ],
  ['with CDATA in the name', 'response_malformed', changed('person-1', '<![CDATA[person-1]]>')],
  ['with an instruction in the name', 'response_malformed', changed('person-1', 'person<?x?>-1')],
  ['with an element in the name', 'response_malformed', saying({ nameId: 'person-1<x/>' })],
  [
    'with an extension',
    'response_malformed',
    changed('<samlp:Status>', '<samlp:Extensions/><samlp:Status>'),
  ],
  [
    'that is too deep',
    'response_malformed',
    saying({ attributes: { a: ['<x>'.repeat(60) + '</x>'.repeat(60)] } }),
  ],
  ['that is too large', 'response_malformed', saying({ attributes: { a: ['x'.repeat(300_000)] } })],
]

type Cases = readonly (readonly [what: string, reason: string, make: Make])[]

for (const [title, cases] of [
  ['by its signature, a response', SIGNATURES],
  ['by what it says, a response', MEANINGS],
  ['by its shape, a response', SHAPES],
] as const) {
  describe(title, () => {
    for (const [what, reason, make] of cases) {
      test(`${what} signs nobody in`, async () => {
        site.assertRefused((await site.attempt(make)).page, reason)
      })
    }
  })
}

test('a response in another encoding than UTF-8, or of none, signs nobody in', async () => {
  for (const [body, reason] of [
    [Buffer.from('<x/>', 'utf16le').toString('base64'), 'response_malformed'],
    [Buffer.of(0xff, 0xfe, 0x3c).toString('base64'), 'response_malformed'],
    ['<not base64>', 'response_malformed'],
    ['', 'response_malformed'],
  ] as const) {
    const { browser, acs, relayState } = await site.start(site.acme)
    const fields = { SAMLResponse: body, RelayState: relayState }
    site.assertRefused(await browser.post(acs, fields), reason)
  }
})

test('what other bindings than POST bring signs nobody in', async () => {
  const request = await site.start(site.acme)
  const xml = signedResponse(goodParts(request, ENTITY_ID), site.keys)
  const query = new URLSearchParams({
    SAMLResponse: Buffer.from(xml).toString('base64'),
    RelayState: request.relayState,
  })
  assert.equal((await request.browser.get(`${request.acs}?${query.toString()}`)).status, 404)
  assert.equal((await handIn(request, xml)).text, 'finished')
})
