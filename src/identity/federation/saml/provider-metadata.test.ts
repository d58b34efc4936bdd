import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, beforeEach, describe, test } from 'node:test'
import { SignedXml } from 'xml-crypto'
import { goodParts, type IdpKeys, idpKeys, signedResponse } from './hostile-idp.test-support.ts'
import { readProviderMetadata } from './provider-metadata.ts'
import { ENTITY_ID, handIn, type SamlSite, startSamlSite } from './saml-site.test-support.ts'

interface Changes {
  readonly entityId?: string
  readonly validUntil?: Date
  readonly signing?: readonly IdpKeys[]
  readonly sso?: string
  readonly extra?: string
}

let keys: IdpKeys
let next: IdpKeys
let federation: IdpKeys
let stranger: IdpKeys
before(async () => {
  ;[keys, next, federation, stranger] = await Promise.all([
    idpKeys('idp'),
    idpKeys('next'),
    idpKeys('federation'),
    idpKeys('stranger'),
  ])
})

function metadata(changes: Changes = {}): string {
  const { entityId = ENTITY_ID, signing = [keys], validUntil } = changes
  const descriptors = signing.map(
    ({ certificate }) =>
      `<KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${certificate.replace(
        /-----[^-]+-----|\s/g,
        '',
      )}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`,
  )
  const until = validUntil === undefined ? '' : ` validUntil="${validUntil.toISOString()}"`
  return (
    `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" ` +
    `xmlns:ds="http://www.w3.org/2000/09/xmldsig#" ID="_m1" entityID="${entityId}"${until}>` +
    `<IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">` +
    `${descriptors.join('')}<SingleSignOnService ` +
    `Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" ` +
    `Location="${changes.sso ?? 'https://idp.example/sso'}"/></IDPSSODescriptor>` +
    `${changes.extra ?? ''}</EntityDescriptor>`
  )
}

function signed(xml: string, by: IdpKeys = federation, signature = 'rsa-sha256'): string {
  const sha1 = signature === 'rsa-sha1'
  const signing = new SignedXml({
    privateKey: by.key,
    publicCert: by.certificate,
    signatureAlgorithm: sha1
      ? 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'
      : 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: 'http://www.w3.org/2001/10/xml-exc-c14n#',
  })
  signing.addReference({
    xpath: `//*[@ID='_m1']`,
    transforms: [
      'http://www.w3.org/2000/09/xmldsig#enveloped-signature',
      'http://www.w3.org/2001/10/xml-exc-c14n#',
    ],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  })
  signing.computeSignature(xml, { location: { reference: '/*', action: 'prepend' } })
  return signing.getSignedXml()
}

const read = (xml: string) => readProviderMetadata(xml, ENTITY_ID, [federation.certificate])
const later = new Date(Date.now() + 3_600_000)

describe('metadata', () => {
  test('that a pinned key signed says where the provider is and whose signatures count', () => {
    const found = read(signed(metadata({ signing: [keys, next], validUntil: later })))
    assert.equal(found.ssoUrl, 'https://idp.example/sso')
    assert.deepEqual(
      found.certificates.map((pem) => pem.trim()),
      [keys.certificate, next.certificate].map((pem) => pem.trim()),
    )
    assert.deepEqual(found.validUntil, later)
  })

  const cases: readonly (readonly [string, string, () => string])[] = [
    ['that nobody signed', 'signature_invalid', () => metadata()],
    ['that a stranger signed', 'signature_invalid', () => signed(metadata(), stranger)],
    [
      'that the provider signed with its own key',
      'signature_invalid',
      () => signed(metadata(), keys),
    ],
    ['signed with RSA-SHA1', 'algorithm_refused', () => signed(metadata(), federation, 'rsa-sha1')],
    [
      'changed after it was signed',
      'signature_invalid',
      () => signed(metadata()).replace('idp.example/sso', 'evil.example/sso'),
    ],
    [
      'of another entity',
      'wrong_issuer',
      () => signed(metadata({ entityId: 'https://evil.example' })),
    ],
    ['that is no longer valid', 'expired', () => signed(metadata({ validUntil: new Date(0) }))],
    ['without a certificate', 'response_malformed', () => signed(metadata({ signing: [] }))],
    ['with a document type', 'response_malformed', () => `<!DOCTYPE x>${signed(metadata())}`],
    ['that is not XML', 'response_malformed', () => 'hello'],
    [
      'in an envelope of somebody else',
      'response_malformed|signature_invalid',
      () =>
        `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${signed(metadata())}</EntitiesDescriptor>`,
    ],
  ]
  for (const [what, reason, make] of cases) {
    test(`${what} is refused`, () => {
      assert.throws(
        () => read(make()),
        (error: { reason?: string }) => new RegExp(reason).test(error.reason ?? ''),
      )
    })
  }

  test('with a second entity around the signed one says nothing of the second', () => {
    const good = signed(metadata())
    const evil = metadata({ signing: [stranger] }).replace('ID="_m1"', 'ID="_m2"')
    const signature = /<Signature.*<\/Signature>/s.exec(good)?.[0] ?? ''
    const wrapped = evil.replace('<IDPSSODescriptor', `${signature}<IDPSSODescriptor`)
    assert.throws(() => read(wrapped), { name: 'FederationRefusal' })
    const bare = good.replace(signature, '')
    assert.throws(
      () => read(wrapped.replace('</EntityDescriptor>', `${bare}</EntityDescriptor>`)),
      {
        name: 'FederationRefusal',
      },
    )
  })
})

describe('a connection that trusts signed metadata', () => {
  let site: SamlSite
  let served: string
  let asked = 0
  const server = createServer((_request, response) => {
    asked++
    response.writeHead(served === '' ? 500 : 200).end(served)
  })
  before(async () => {
    site = await startSamlSite()
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  after(async () => {
    server.closeAllConnections()
    server.close()
    await site.stop()
  })
  beforeEach(() => {
    asked = 0
    site.finished.length = 0
  })

  async function connect(id: string) {
    const { port } = server.address() as AddressInfo
    await site.federation.administration.putConnection(site.acme, id, {
      kind: 'saml',
      displayName: 'By metadata',
      config: {
        entityId: ENTITY_ID,
        trust: { metadataUrl: `http://127.0.0.1:${port}/m`, signedBy: [federation.certificate] },
        provisioning: 'create',
      },
    })
  }

  test('signs in by what it says, and asks for it once', async () => {
    served = signed(metadata({ signing: [keys, next] }))
    await connect('metadata')
    for (const signer of [keys, next]) {
      const request = await site.start(site.acme, 'metadata')
      const page = await handIn(request, signedResponse(goodParts(request, ENTITY_ID), signer))
      assert.equal(page.text, 'finished', site.logged.join())
    }
    assert.equal(asked, 1)
  })

  test('starts nothing when it is forged, not there, or leads to a script', async () => {
    for (const [index, [text, reason]] of (
      [
        [signed(metadata(), stranger), /signature_invalid/],
        ['', /provider_unreachable/],
        [signed(metadata({ sso: 'javascript:alert(1)' })), /invalid_url/],
      ] as const
    ).entries()) {
      served = text
      await connect(`forged-${index}`)
      await assert.rejects(site.start(site.acme, `forged-${index}`))
      assert.match(site.logged.at(-1) ?? '', reason)
    }
  })
})
