import { X509Certificate } from 'node:crypto'
import { SignedXml } from 'xml-crypto'
import { messageOf } from '../../../core/errors.ts'
import { demand, FederationRefusal } from '../refusal.ts'
import { DSIG, METADATA, REDIRECT_BINDING, SAMLP } from './saml-names.ts'
import type { SamlProvider } from './saml-provider.ts'
import { signatureOf } from './signature-shape.ts'
import { childrenNamed, everyElement, parseXml, type XmlElement } from './xml.ts'

const METADATA_CHARACTERS_MAX = 512 * 1024
const CERTIFICATES_MAX = 5

export interface ProviderMetadata extends SamlProvider {
  /** Undefined when the metadata names no end. */
  readonly validUntil: Date | undefined
}

/**
 * Reads the metadata of one provider, and believes it because one of the pinned keys signed it, not
 * because of where it came from.
 * @throws FederationRefusal
 */
export function readProviderMetadata(
  text: string,
  entityId: string,
  signedBy: readonly string[],
): ProviderMetadata {
  demand(text.length <= METADATA_CHARACTERS_MAX, 'response_malformed', 'metadata too large')
  const root = verified(text, signedBy)
  demand(
    root.name === 'EntityDescriptor' && root.namespace === METADATA,
    'response_malformed',
    'metadata of something else than one entity',
  )
  demand(root.attributes.get('entityID') === entityId, 'wrong_issuer', 'metadata of another entity')
  const validUntil = instantOf(root.attributes.get('validUntil'))
  demand(
    validUntil === undefined || validUntil > new Date(),
    'expired',
    'metadata that is no longer valid',
  )
  const [role, ...more] = childrenNamed(root, METADATA, 'IDPSSODescriptor').filter((descriptor) =>
    (descriptor.attributes.get('protocolSupportEnumeration') ?? '').split(/\s+/).includes(SAMLP),
  )
  demand(
    role !== undefined && more.length === 0,
    'response_malformed',
    'metadata without exactly one identity provider',
  )
  const ssoUrl = childrenNamed(role, METADATA, 'SingleSignOnService')
    .find(({ attributes }) => attributes.get('Binding') === REDIRECT_BINDING)
    ?.attributes.get('Location')
  demand(ssoUrl !== undefined, 'response_malformed', 'metadata without the redirect binding')
  const certificates = childrenNamed(role, METADATA, 'KeyDescriptor')
    .filter(({ attributes }) => (attributes.get('use') ?? 'signing') === 'signing')
    .flatMap(certificatesOf)
  demand(
    certificates.length >= 1 && certificates.length <= CERTIFICATES_MAX,
    'response_malformed',
    `metadata with ${certificates.length} certificates`,
  )
  return { ssoUrl, certificates, validUntil }
}

/** What the signature covers, read anew: nothing else of the document counts. */
function verified(text: string, signedBy: readonly string[]): XmlElement {
  try {
    const signature = signatureOf(parseXml(text))
    demand(signature !== undefined, 'signature_invalid', 'metadata that is not signed')
    for (const publicCert of signedBy) {
      const signed = new SignedXml({ publicCert })
      signed.loadSignature(signature.source.toString())
      if (!isGenuine(signed, text)) continue
      const [content, ...more] = signed.getSignedReferences()
      if (content !== undefined && more.length === 0) return parseXml(content)
    }
  } catch (error) {
    if (error instanceof FederationRefusal) throw error
    throw new FederationRefusal('response_malformed', messageOf(error), error)
  }
  throw new FederationRefusal('signature_invalid', 'metadata signed by nobody who is pinned')
}

/** The library returns false for a digest that is wrong, and throws for a wrong signature. */
function isGenuine(signed: SignedXml, text: string): boolean {
  try {
    return signed.checkSignature(text)
  } catch {
    return false
  }
}

function certificatesOf(descriptor: XmlElement): readonly string[] {
  return [...everyElement(descriptor)]
    .filter(({ name, namespace }) => name === 'X509Certificate' && namespace === DSIG)
    .map(({ text }) => {
      try {
        return new X509Certificate(Buffer.from(text.replace(/\s/g, ''), 'base64')).toString()
      } catch (error) {
        throw new FederationRefusal('response_malformed', 'metadata with a bad certificate', error)
      }
    })
}

function instantOf(text: string | undefined): Date | undefined {
  if (text === undefined) return undefined
  const date = new Date(text)
  demand(!Number.isNaN(date.getTime()), 'response_malformed', 'metadata valid until no time')
  return date
}
