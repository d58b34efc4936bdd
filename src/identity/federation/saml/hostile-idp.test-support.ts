import { createPrivateKey } from 'node:crypto'
import { inflateRawSync } from 'node:zlib'
import { SignedXml } from 'xml-crypto'
import { makeServiceProviderKeys } from '../connection/service-provider-keys.ts'

/** Keys of a provider: a private key in PEM and the certificate that realms pin. */
export interface IdpKeys {
  readonly key: string
  readonly certificate: string
}

export async function idpKeys(name: string): Promise<IdpKeys> {
  const { signingKey, certificates } = await makeServiceProviderKeys(name)
  const key = createPrivateKey({ key: signingKey, format: 'jwk' })
  return {
    key: key.export({ type: 'pkcs8', format: 'pem' }) as string,
    certificate: certificates.signing,
  }
}

/** What an AuthnRequest in a redirect says. */
export function readAuthnRequest(location: string) {
  const query = new URL(location).searchParams
  const xml = inflateRawSync(Buffer.from(query.get('SAMLRequest') ?? '', 'base64')).toString()
  const attribute = (name: string) => new RegExp(` ${name}="([^"]*)"`).exec(xml)?.[1] ?? ''
  return {
    xml,
    id: attribute('ID'),
    acs: attribute('AssertionConsumerServiceURL'),
    destination: attribute('Destination'),
    issuer: /<saml:Issuer[^>]*>([^<]*)</.exec(xml)?.[1] ?? '',
    relayState: query.get('RelayState') ?? '',
    query,
  }
}

/** What goes into a response. Each part can be wrong by itself. */
export interface Parts {
  readonly issuer: string
  readonly audience: string
  readonly recipient: string
  readonly destination: string
  readonly inResponseTo: string | undefined
  readonly confirmationInResponseTo: string | undefined
  readonly nameId: string
  readonly nameIdFormat: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
  readonly id: string
  readonly responseId: string
  readonly issuedAt: Date
  readonly notOnOrAfter: Date
  readonly notBefore: Date
  readonly status: string
  readonly context: string
}

const SUCCESS = 'urn:oasis:names:tc:SAML:2.0:status:Success'
const ASSERTION_NS = 'urn:oasis:names:tc:SAML:2.0:assertion'
const PROTOCOL_NS = 'urn:oasis:names:tc:SAML:2.0:protocol'
let made = 0

/** Everything right, for one request. */
export function goodParts(
  request: Pick<ReturnType<typeof readAuthnRequest>, 'id' | 'acs' | 'issuer'>,
  entityId: string,
): Parts {
  const now = Date.now()
  made++
  return {
    issuer: entityId,
    audience: request.issuer,
    recipient: request.acs,
    destination: request.acs,
    inResponseTo: request.id,
    confirmationInResponseTo: request.id,
    nameId: 'person-1',
    nameIdFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    attributes: {},
    id: `_assertion${made}`,
    responseId: `_response${made}`,
    issuedAt: new Date(now),
    notBefore: new Date(now - 5_000),
    notOnOrAfter: new Date(now + 120_000),
    status: SUCCESS,
    context: 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport',
  }
}

export function assertionXml(parts: Parts): string {
  const attributes = Object.entries(parts.attributes).map(
    ([name, values]) =>
      `<saml:Attribute Name="${name}">${values
        .map((value) => `<saml:AttributeValue>${value}</saml:AttributeValue>`)
        .join('')}</saml:Attribute>`,
  )
  return (
    `<saml:Assertion xmlns:saml="${ASSERTION_NS}" ID="${parts.id}" Version="2.0" ` +
    `IssueInstant="${parts.issuedAt.toISOString()}"><saml:Issuer>${parts.issuer}</saml:Issuer>` +
    `<saml:Subject><saml:NameID Format="${parts.nameIdFormat}">${parts.nameId}</saml:NameID>` +
    `<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">` +
    `<saml:SubjectConfirmationData${optional('InResponseTo', parts.confirmationInResponseTo)} ` +
    `Recipient="${parts.recipient}" NotOnOrAfter="${parts.notOnOrAfter.toISOString()}"/>` +
    `</saml:SubjectConfirmation></saml:Subject>` +
    `<saml:Conditions NotBefore="${parts.notBefore.toISOString()}" ` +
    `NotOnOrAfter="${parts.notOnOrAfter.toISOString()}"><saml:AudienceRestriction>` +
    `<saml:Audience>${parts.audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions>` +
    `<saml:AuthnStatement AuthnInstant="${parts.issuedAt.toISOString()}"><saml:AuthnContext>` +
    `<saml:AuthnContextClassRef>${parts.context}</saml:AuthnContextClassRef>` +
    `</saml:AuthnContext></saml:AuthnStatement>` +
    (attributes.length === 0
      ? ''
      : `<saml:AttributeStatement>${attributes.join('')}</saml:AttributeStatement>`) +
    `</saml:Assertion>`
  )
}

export function responseXml(parts: Parts, content: string): string {
  return (
    `<samlp:Response xmlns:samlp="${PROTOCOL_NS}" ID="${parts.responseId}" Version="2.0" ` +
    `IssueInstant="${parts.issuedAt.toISOString()}" Destination="${parts.destination}"` +
    `${optional('InResponseTo', parts.inResponseTo)}>` +
    `<saml:Issuer xmlns:saml="${ASSERTION_NS}">${parts.issuer}</saml:Issuer>` +
    `<samlp:Status><samlp:StatusCode Value="${parts.status}"/></samlp:Status>${content}` +
    `</samlp:Response>`
  )
}

export interface Signing {
  readonly signature?: string
  readonly digest?: string
  readonly canonicalization?: string
}

/** Signs the element of this id, its signature after its issuer. */
export function signXml(xml: string, id: string, { key, certificate }: IdpKeys, how: Signing = {}) {
  const canonicalization = how.canonicalization ?? 'http://www.w3.org/2001/10/xml-exc-c14n#'
  const signed = new SignedXml({
    privateKey: key,
    publicCert: certificate,
    signatureAlgorithm: how.signature ?? 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
    canonicalizationAlgorithm: canonicalization,
  })
  signed.addReference({
    xpath: `//*[@ID='${id}']`,
    transforms: ['http://www.w3.org/2000/09/xmldsig#enveloped-signature', canonicalization],
    digestAlgorithm: how.digest ?? 'http://www.w3.org/2001/04/xmlenc#sha256',
  })
  signed.computeSignature(xml, {
    location: { reference: `//*[@ID='${id}']/*[local-name(.)='Issuer']`, action: 'after' },
  })
  return signed.getSignedXml()
}

export const signedAssertion = (parts: Parts, keys: IdpKeys, how?: Signing) =>
  signXml(assertionXml(parts), parts.id, keys, how)

/** A response as most providers send it: the assertion signed. */
export const signedResponse = (parts: Parts, keys: IdpKeys) =>
  responseXml(parts, signedAssertion(parts, keys))

export const encoded = (xml: string) => Buffer.from(xml).toString('base64')

function optional(name: string, value: string | undefined): string {
  return value === undefined ? '' : ` ${name}="${value}"`
}

/**
 * Whether a careless reader would let it in: some signature in the document is genuine, by looking
 * up what it refers to wherever that is. Shows that an attack is one.
 */
export function fools(xml: string, { certificate }: IdpKeys): boolean {
  const signatures = xml.match(/<Signature[ >](?:(?!<Signature[ >]).)*?<\/Signature>/gs) ?? []
  const outer = /<Signature[ >].*<\/Signature>/s.exec(xml)?.[0]
  return [...signatures, ...(outer === undefined ? [] : [outer])].some((signature) => {
    const signed = new SignedXml({ publicCert: certificate })
    try {
      signed.loadSignature(signature)
      return signed.checkSignature(xml)
    } catch {
      return false
    }
  })
}
