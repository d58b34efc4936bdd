import { createPrivateKey, randomBytes } from 'node:crypto'
import { SAML, ValidateInResponseTo } from '@node-saml/node-saml'
import type { JWK } from 'jose'
import { RingfenceError } from '../../../core/errors.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import type { Connection, UsableConnection } from '../connection/connection.ts'
import { REQUEST_SECONDS } from '../flow/request-store.ts'
import { TRANSIENT } from './saml-names.ts'
import type { SamlProvider } from './saml-provider.ts'

/** Longest time from when an assertion was issued to when it is handed in, in seconds. */
export const ASSERTION_SECONDS_MAX = 300

type SamlConnection = Extract<Connection, { kind: 'saml' }>
export type UsableSamlConnection = Extract<UsableConnection, { kind: 'saml' }>
type Realm = Pick<RealmContext, 'issuer'>

/** The addresses by which the provider knows this connection; they name the realm. */
export function serviceProviderUrls({ issuer }: Realm, { id }: Pick<Connection, 'id'>) {
  const base = `${issuer}/federation/${id}`
  return { entityId: `${base}/metadata`, acs: `${base}/acs` } as const
}

/**
 * The library's service provider for one request or response.
 * @param messageId the request that the response must answer; undefined: it must answer none
 */
export function serviceProvider(
  realm: Realm,
  connection: UsableSamlConnection,
  provider: SamlProvider,
  messageId: string | undefined,
): SAML {
  const { entityId, acs } = serviceProviderUrls(realm, connection)
  const { signingKey, encryptionKey } = samlSecrets(connection)
  const { config } = connection
  return new SAML({
    issuer: entityId,
    audience: entityId,
    callbackUrl: acs,
    entryPoint: provider.ssoUrl,
    idpCert: [...provider.certificates],
    privateKey: pemOf(signingKey),
    decryptionPvk: pemOf(encryptionKey),
    signatureAlgorithm: 'sha256',
    identifierFormat: nameIdFormat(connection),
    disableRequestedAuthnContext: true,
    wantAssertionsSigned: true,
    wantAuthnResponseSigned: config.requireSignedResponse,
    acceptedClockSkewMs: config.clockSkewSeconds * 1000,
    maxAssertionAgeMs: ASSERTION_SECONDS_MAX * 1000,
    requestIdExpirationPeriodMs: REQUEST_SECONDS * 1000,
    generateUniqueId: () => messageId ?? newMessageId(),
    validateInResponseTo:
      messageId === undefined ? ValidateInResponseTo.never : ValidateInResponseTo.always,
    // Our own store has used the request up before; the library sees this one and no other.
    cacheProvider: {
      saveAsync: (_key, value) => Promise.resolve({ value, createdAt: Date.now() }),
      getAsync: (key) => Promise.resolve(key === messageId ? new Date().toISOString() : null),
      removeAsync: (key) => Promise.resolve(key),
    },
  })
}

/** The private key that assertions are encrypted to, in PEM. */
export function decryptionKey(connection: UsableSamlConnection): string {
  return pemOf(samlSecrets(connection).encryptionKey)
}

/** An XML id; 160 bits that nobody guesses. */
export function newMessageId(): string {
  return `_${randomBytes(20).toString('hex')}`
}

/** What we ask for. Where an attribute names the person nobody is known by it, and it need not last. */
export function nameIdFormat({ config }: SamlConnection): string {
  return 'nameId' in config.subject ? config.subject.nameId : TRANSIENT
}

function samlSecrets({ secrets }: UsableSamlConnection) {
  if (secrets.kind === 'saml') return secrets
  throw new RingfenceError('internal', 'a connection has secrets of another kind')
}

function pemOf(key: JWK): string {
  return createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }) as string
}
