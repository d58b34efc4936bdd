import { createHash, createPrivateKey, randomUUID } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { SignedXml } from 'xml-crypto'
import { makeServiceProviderKeys } from '../../identity/federation/connection/service-provider-keys.ts'

export const ENTITY_ID = 'https://idp.realm-proof.test/saml'
export const SSO_URL = 'https://idp.realm-proof.test/sso'
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'
const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion'
const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol'

/** A private key in PEM, and the certificate that realms pin. */
export interface SamlKeys {
  readonly key: string
  readonly certificate: string
}

export async function samlKeys(name: string): Promise<SamlKeys> {
  const { signingKey, certificates } = await makeServiceProviderKeys(name)
  const key = createPrivateKey({ key: signingKey, format: 'jwk' })
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: certificates.signing,
  }
}

/** What a realm asks of the provider, in the address to which it sends a browser. */
export interface AuthnRequest {
  readonly id: string
  readonly acs: string
  readonly audience: string
  readonly relayState: string
}

export function readAuthnRequest(location: string): AuthnRequest {
  const query = new URL(location).searchParams
  const packed = Buffer.from(query.get('SAMLRequest') ?? '', 'base64')
  const xml = inflateRawSync(packed).toString()
  const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1] ?? ''
  return {
    id: attribute('ID'),
    acs: attribute('AssertionConsumerServiceURL'),
    audience: /<saml:Issuer[^>]*>([^<]*)</.exec(xml)?.[1] ?? '',
    relayState: query.get('RelayState') ?? '',
  }
}

/** What goes into a response. Each part can be wrong by itself. */
export interface Parts {
  readonly nameId: string
  readonly audience: string
  readonly recipient: string
  readonly destination: string
  readonly inResponseTo: string | undefined
  readonly issuer: string
  readonly id: string
  readonly responseId: string
  readonly from: Date
  readonly until: Date
}

/** Everything right, for one request. */
export function goodParts(request: AuthnRequest, nameId: string): Parts {
  const now = Date.now()
  return {
    nameId,
    audience: request.audience,
    recipient: request.acs,
    destination: request.acs,
    inResponseTo: request.id,
    issuer: ENTITY_ID,
    id: `_a${randomUUID()}`,
    responseId: `_r${randomUUID()}`,
    from: new Date(now - 5_000),
    until: new Date(now + 120_000),
  }
}

export function assertionXml(parts: Parts): string {
  const at = parts.from.toISOString()
  const until = parts.until.toISOString()
  return (
    `<saml:Assertion xmlns:saml="${ASSERTION}" ID="${parts.id}" Version="2.0" IssueInstant="${at}">` +
    `<saml:Issuer>${parts.issuer}</saml:Issuer>` +
    `<saml:Subject><saml:NameID Format="${PERSISTENT}">${parts.nameId}</saml:NameID>` +
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
    `<saml:SubjectConfirmationData${answering(parts)} Recipient="${parts.recipient}" ` +
    `NotOnOrAfter="${until}"/></saml:SubjectConfirmation></saml:Subject>` +
    `<saml:Conditions NotBefore="${at}" NotOnOrAfter="${until}"><saml:AudienceRestriction>` +
    `<saml:Audience>${parts.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${at}"><saml:AuthnContext><saml:AuthnContextClassRef>` +
    `urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport` +
    `</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement></saml:Assertion>`
  )
}

export function responseXml(parts: Parts, content: string): string {
  return (
    `<samlp:Response xmlns:samlp="${PROTOCOL}" ID="${parts.responseId}" Version="2.0" ` +
    `IssueInstant="${parts.from.toISOString()}" Destination="${parts.destination}"${answering(parts)}>` +
    `<saml:Issuer xmlns:saml="${ASSERTION}">${parts.issuer}</saml:Issuer><samlp:Status>` +
    `<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/></samlp:Status>` +
    `${content}</samlp:Response>`
  )
}

function answering({ inResponseTo }: Parts): string {
  return inResponseTo === undefined ? '' : ` InResponseTo="${inResponseTo}"`
}

/** Signs the element of this id, its signature after its issuer. */
export function signXml(xml: string, id: string, { key, certificate }: SamlKeys): string {
  const canonicalization = 'http://www.w3.org/2001/10/xml-exc-c14n#'
  const signed = new SignedXml({
    privateKey: key,
    publicCert: certificate,
    signatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: canonicalization,
  })
  signed.addReference({
    xpath: `//*[@ID='${id}']`,
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', canonicalization],
    digestAlgorithm: 'http://www.w3.org/2001/04/xmlenc#sha256',
  })
  signed.computeSignature(xml, {
    location: { reference: `//*[@ID='${id}']/*[local-name(.)='Issuer']`, action: 'after' },
  })
  return signed.getSignedXml()
}

export function signedAssertion(parts: Parts, keys: SamlKeys): string {
  return signXml(assertionXml(parts), parts.id, keys)
}

/** A response as most providers send it: the assertion signed. */
export function signedResponse(parts: Parts, keys: SamlKeys): string {
  return responseXml(parts, signedAssertion(parts, keys))
}

/** Whether some signature in the document is by this certificate, of whatever part it is. */
export function hasSignature(xml: string, certificate: string): boolean {
  const signatures = xml.match(/<Signature[ >](?:(?!<Signature[ >]).)*?<\/Signature>/gs) ?? []
  return signatures.some((signature) => {
    const signed = new SignedXml({ publicCert: certificate })
    try {
      signed.loadSignature(signature)
      return signed.checkSignature(xml)
    } catch {
      return false
    }
  })
}

export function encoded(xml: string): string {
  return Buffer.from(xml).toString('base64')
}

/** How the realm keeps the name of a request. */
export function stateHash(relayState: string): Buffer {
  return createHash('sha256').update(relayState).digest()
}
