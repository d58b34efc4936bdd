import type { RealmContext } from '../../provider/realm-context.ts'
import type { Connection } from '../connection/connection.ts'
import { ALGORITHMS, DSIG, METADATA, SAMLP } from './saml-names.ts'
import { nameIdFormat, newMessageId, serviceProviderUrls } from './service-provider.ts'

const POST_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'

/**
 * For the provider's administrator: who we are, where answers go, with which keys. Written here and
 * not by the library, which announces encryption that we refuse.
 */
export function serviceProviderMetadata(
  realm: Pick<RealmContext, 'issuer'>,
  connection: Extract<Connection, { kind: 'saml' }>,
): string {
  const { entityId, acs } = serviceProviderUrls(realm, connection)
  const { signing, encryption } = connection.certificates
  const [digest] = ALGORITHMS.KeyTransportDigest
  const methods = [
    ...ALGORITHMS.ContentEncryption.map((name) => `<EncryptionMethod Algorithm="${name}"/>`),
    ...ALGORITHMS.KeyTransport.map(
      (name) =>
        `<EncryptionMethod Algorithm="${name}"><ds:DigestMethod Algorithm="${digest}"/></EncryptionMethod>`,
    ),
  ]
  return `<?xml version="1.0"?>
<EntityDescriptor xmlns="${METADATA}" xmlns:ds="${DSIG}" ID="${newMessageId()}" entityID="${escaped(entityId)}">
  <SPSSODescriptor AuthnRequestsSigned="true" WantAssertionsSigned="true" protocolSupportEnumeration="${SAMLP}">
    ${keyDescriptor('signing', signing, [])}
    ${connection.config.encryption === 'off' ? '' : keyDescriptor('encryption', encryption, methods)}
    <NameIDFormat>${escaped(nameIdFormat(connection))}</NameIDFormat>
    <AssertionConsumerService index="0" isDefault="true" Binding="${POST_BINDING}" Location="${escaped(acs)}"/>
  </SPSSODescriptor>
</EntityDescriptor>
`
}

function keyDescriptor(use: string, pem: string, methods: readonly string[]): string {
  const certificate = pem.replace(/-----[^-]+-----|\s/g, '')
  return [
    `<KeyDescriptor use="${use}"><ds:KeyInfo><ds:X509Data>`,
    `<ds:X509Certificate>${certificate}</ds:X509Certificate>`,
    `</ds:X509Data></ds:KeyInfo>${methods.join('')}</KeyDescriptor>`,
  ].join('')
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
