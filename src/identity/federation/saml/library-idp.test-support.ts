import { createPublicKey, X509Certificate } from 'node:crypto'
import { createRequire } from 'node:module'
import { ENTITY_ID, type SamlRequest } from './saml-site.test-support.ts'
import type { IdpKeys } from './hostile-idp.test-support.ts'

interface Options {
  readonly issuer: string
  readonly key: string
  readonly cert: string
  readonly audience: string
  readonly recipient: string
  readonly destination: string
  readonly inResponseTo: string
  readonly nameIdentifierFormat: string
  readonly lifetimeInSeconds: number
  readonly signResponse?: boolean
  readonly encryptionCert?: string
  readonly encryptionPublicKey?: string
  readonly encryptionAlgorithm?: string
  readonly disallowEncryptionWithInsecureAlgorithm?: boolean
  readonly warnOnInsecureEncryptionAlgorithm?: boolean
  readonly authnContextClassRef?: string
}

interface User {
  readonly id: string
  readonly emails: readonly { readonly value: string }[]
  readonly displayName: string
  readonly name: { readonly givenName: string; readonly familyName: string }
  readonly groups?: readonly string[]
}

/** What we use of the library; it has no types. */
interface Samlp {
  getSamlResponse(
    options: Options,
    user: User,
    done: (error: Error | null, xml: string) => void,
  ): void
}
const samlp = createRequire(import.meta.url)('samlp') as Samlp

export const ANN: User = {
  id: 'ann-at-idp',
  emails: [{ value: 'ann@acme.example' }],
  displayName: 'Ann Able',
  name: { givenName: 'Ann', familyName: 'Able' },
  groups: ['Doctors', 'Skiers'],
}

/** The answer of a provider that nobody here wrote. */
export function libraryResponse(
  request: SamlRequest,
  keys: IdpKeys,
  changes: Partial<Options> = {},
  user: User = ANN,
): Promise<string> {
  const options = {
    issuer: ENTITY_ID,
    key: keys.key,
    cert: keys.certificate,
    audience: request.issuer,
    recipient: request.acs,
    destination: request.acs,
    inResponseTo: request.id,
    nameIdentifierFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    lifetimeInSeconds: 120,
    ...changes,
  }
  return new Promise((resolve, reject) =>
    samlp.getSamlResponse(options, user, (error, xml) => (error ? reject(error) : resolve(xml))),
  )
}

/** Encrypts to what our metadata publishes. */
export function encryptingTo(metadata: string): Partial<Options> {
  const encoded = /use="encryption".*?<ds:X509Certificate>([^<]+)</s.exec(metadata)?.[1] ?? ''
  const certificate = new X509Certificate(Buffer.from(encoded, 'base64'))
  return {
    encryptionCert: certificate.toString(),
    encryptionPublicKey: createPublicKey(certificate.toString()).export({
      type: 'spki',
      format: 'pem',
    }) as string,
  }
}
