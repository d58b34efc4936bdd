import { messageOf } from '../../../core/errors.ts'
import type { RealmContext } from '../../provider/realm-context.ts'
import { demand, FederationRefusal, type RefusalReason } from '../refusal.ts'
import { type Assertion, readAssertion } from './assertion.ts'
import { decryptAssertion } from './decrypt-assertion.ts'
import { assertionShape, type ResponseShape, responseShape } from './response-shape.ts'
import type { SamlProvider } from './saml-provider.ts'
import {
  decryptionKey,
  serviceProvider,
  serviceProviderUrls,
  type UsableSamlConnection,
} from './service-provider.ts'
import { parseXml, type XmlElement } from './xml.ts'

/** Larger responses are refused unread. */
export const RESPONSE_CHARACTERS_MAX = 256 * 1024
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** What a response must be for. */
export interface ExpectedResponse {
  /** The id of our request, or undefined: it must answer none. */
  readonly messageId: string | undefined
}

/**
 * Verifies a response to the end: shape, signatures by the connection's own certificates, issuer,
 * audience, recipient, destination, times, and that it answers our request. Whether the assertion was
 * used before is the caller's to ask.
 * @throws FederationRefusal
 */
export async function verifyResponse(
  realm: Pick<RealmContext, 'issuer'>,
  connection: UsableSamlConnection,
  provider: SamlProvider,
  samlResponse: string,
  expected: ExpectedResponse,
): Promise<Assertion> {
  const shape = responseShape(parsedResponse(samlResponse))
  const { acs, entityId } = serviceProviderUrls(realm, connection)
  const { config } = connection
  demand(shape.destination === acs, 'wrong_recipient', 'a response with another destination')
  demand(
    shape.issuer === undefined || shape.issuer === config.entityId,
    'wrong_issuer',
    'a response of another issuer',
  )
  demand(
    shape.inResponseTo === expected.messageId,
    'wrong_request',
    'a response to another request',
  )
  demand(
    shape.isSigned || !config.requireSignedResponse,
    'signature_invalid',
    'the response is not signed',
  )
  const seen = await assertionOf(shape, connection)
  const verified = readAssertion(
    await verifySignatures(realm, connection, provider, samlResponse, expected),
  )
  demand(
    verified.id === seen.attributes.get('ID'),
    'response_malformed',
    'another assertion was verified than was seen',
  )
  demand(verified.issuer === config.entityId, 'wrong_issuer', 'an assertion of another issuer')
  demand(verified.recipient === acs, 'wrong_recipient', 'an assertion for another recipient')
  demand(
    verified.inResponseTo === expected.messageId,
    'wrong_request',
    'an assertion for another request',
  )
  demand(
    verified.audiences.includes(entityId),
    'wrong_audience',
    'an assertion for another audience',
  )
  demand(
    verified.issuedAt.getTime() <= Date.now() + config.clockSkewSeconds * 1000,
    'expired',
    'an assertion from the future',
  )
  return verified
}

function parsedResponse(samlResponse: string): XmlElement {
  const packed = samlResponse.replace(/[\r\n]/g, '')
  demand(
    packed.length <= RESPONSE_CHARACTERS_MAX && BASE64.test(packed),
    'response_malformed',
    'too large, or not base64',
  )
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(packed, 'base64'))
    return parseXml(text)
  } catch (error) {
    throw new FederationRefusal('response_malformed', messageOf(error), error)
  }
}

async function assertionOf(
  shape: ResponseShape,
  connection: UsableSamlConnection,
): Promise<XmlElement> {
  const { encryption } = connection.config
  const refused = shape.encrypted === undefined ? 'required' : 'off'
  demand(
    encryption !== refused,
    'response_invalid',
    `the assertion is ${refused === 'off' ? '' : 'not '}encrypted, and encryption ${encryption}`,
  )
  if (shape.assertion !== undefined) return shape.assertion
  demand(shape.encrypted !== undefined, 'response_malformed', 'no assertion')
  const assertion = await decryptAssertion(shape.encrypted, decryptionKey(connection))
  assertionShape(assertion)
  return assertion
}

/** The assertion as the signature covers it: nothing else of the response is read after this. */
async function verifySignatures(
  realm: Pick<RealmContext, 'issuer'>,
  connection: UsableSamlConnection,
  provider: SamlProvider,
  samlResponse: string,
  { messageId }: ExpectedResponse,
): Promise<XmlElement> {
  const saml = serviceProvider(realm, connection, provider, messageId)
  try {
    const { profile } = await saml.validatePostResponseAsync({
      SAMLResponse: samlResponse.replace(/[\r\n]/g, ''),
    })
    const xml = profile?.getAssertionXml?.()
    if (xml === undefined) throw new TypeError('no assertion was verified')
    return parseXml(xml)
  } catch (error) {
    const message = messageOf(error)
    throw new FederationRefusal(reasonOf(message), message, error)
  }
}

/** For the log alone: the library tells its reasons by words. */
function reasonOf(message: string): RefusalReason {
  if (/signature/i.test(message)) return 'signature_invalid'
  if (/expired|not yet valid|No valid subject confirmation/i.test(message)) return 'expired'
  if (/audience/i.test(message)) return 'wrong_audience'
  return /InResponseTo/i.test(message) ? 'wrong_request' : 'response_invalid'
}
