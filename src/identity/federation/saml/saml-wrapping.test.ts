import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import {
  assertionXml,
  fools,
  type Parts,
  responseXml,
  signedAssertion,
  signedResponse,
  signXml,
} from './hostile-idp.test-support.ts'
import { type SamlSite, startSamlSite } from './saml-site.test-support.ts'

let site: SamlSite

before(async () => {
  site = await startSamlSite()
})
after(() => site.stop())

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
    [
      1,
      (p) => {
        const signed = signXml(signedResponse(p, site.keys), p.responseId, site.keys)
        const signature = signatureOf(signed.slice(0, signed.indexOf('<samlp:Status>')))
        const evil = responseXml({ ...p, responseId: '_evil' }, forged(p))
        return afterIssuer(evil, inside(signature, signed.replace(signature, '')))
      },
    ],
    [
      2,
      (p) => {
        const signed = signXml(signedResponse(p, site.keys), p.responseId, site.keys)
        const signature = signatureOf(signed.slice(0, signed.indexOf('<samlp:Status>')))
        const evil = responseXml({ ...p, responseId: '_evil' }, forged(p))
        return afterIssuer(evil, signed.replace(signature, '') + signature)
      },
    ],
    // The forged assertion before the signed one (3), or around it (4).
    [3, (p) => responseXml(p, forged(p) + signedAssertion(p, site.keys))],
    [
      4,
      (p) =>
        responseXml(
          p,
          forged(p).replace(
            '</saml:Assertion>',
            `${signedAssertion(p, site.keys)}</saml:Assertion>`,
          ),
        ),
    ],
    // The signature in the forged one; the signed assertion at the end (5), or in the signature (6).
    [
      5,
      (p) => {
        const signed = signedAssertion(p, site.keys)
        return responseXml(p, afterIssuer(forged(p), signatureOf(signed)) + bare(signed))
      },
    ],
    [
      6,
      (p) => {
        const signed = signedAssertion(p, site.keys)
        return responseXml(p, afterIssuer(forged(p), inside(signatureOf(signed), bare(signed))))
      },
    ],
    // The forged one in an extension (7); the signed one, whole, in an object of the forged one's signature (8).
    [
      7,
      (p) =>
        responseXml(
          p,
          `<samlp:Extensions>${forged(p)}</samlp:Extensions>${signedAssertion(p, site.keys)}`,
        ),
    ],
    [
      8,
      (p) => {
        const signed = signedAssertion(p, site.keys)
        return responseXml(
          p,
          afterIssuer(
            forged(p),
            `<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:Object>${signed}</ds:Object></ds:Signature>`,
          ),
        )
      },
    ],
  ]
  for (const [shape, make] of shapes) {
    test(`in shape ${shape} signs nobody in`, async () => {
      const { page } = await site.attempt((parts) => {
        const xml = make(parts)
        assert.ok(fools(xml, site.keys), 'the attack is none')
        return xml
      })
      site.assertRefused(page, 'response_malformed|signature_invalid')
    })
  }

  test('under an id that is there twice signs nobody in', async () => {
    const { page } = await site.attempt((p) => {
      const signed = signedAssertion(p, site.keys)
      const evil = assertionXml({ ...p, nameId: 'victim' })
      return responseXml(p, afterIssuer(evil, inside(signatureOf(signed), bare(signed))))
    })
    site.assertRefused(page, 'response_malformed')
  })

  test('with the signature of another assertion signs nobody in', async () => {
    const { page } = await site.attempt((p) =>
      responseXml(
        p,
        afterIssuer(
          assertionXml({ ...p, nameId: 'victim' }),
          signatureOf(signedAssertion(p, site.keys)),
        ),
      ),
    )
    site.assertRefused(page, 'signature_invalid')
  })
})
