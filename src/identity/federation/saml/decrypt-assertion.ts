import { promisify } from 'node:util'
import { decrypt } from 'xml-encryption'
import { demand, FederationRefusal } from '../refusal.ts'
import { ALGORITHMS, DSIG, XENC } from './saml-names.ts'
import { checkAlgorithm } from './signature-shape.ts'
import { childrenNamed, everyElement, parseXml, type XmlElement } from './xml.ts'

const REFERENCE = /^#[A-Za-z_][\w.-]{0,255}$/

/**
 * The assertion inside, with our own key. Every failure looks alike.
 * @throws FederationRefusal `response_malformed`, `algorithm_refused`, `response_invalid`
 */
export async function decryptAssertion(encrypted: XmlElement, keyPem: string): Promise<XmlElement> {
  checkShape(encrypted)
  let text: string
  try {
    text = await promisify(decrypt)(encrypted.source.toString(), {
      key: keyPem,
      disallowDecryptionWithInsecureAlgorithm: true,
    })
  } catch (error) {
    throw new FederationRefusal('response_invalid', 'the assertion does not decrypt', error)
  }
  try {
    return parseXml(text)
  } catch (error) {
    throw new FederationRefusal('response_malformed', 'what was encrypted is not XML', error)
  }
}

function checkShape(encrypted: XmlElement): void {
  const data = childrenNamed(encrypted, XENC, 'EncryptedData')
  const all = [...everyElement(encrypted)]
  const keys = all.filter(({ name, namespace }) => name === 'EncryptedKey' && namespace === XENC)
  const [only] = data
  const [key] = keys
  demand(
    only !== undefined && key !== undefined && data.length === 1 && keys.length === 1,
    'response_malformed',
    'not exactly one encrypted assertion with one key',
  )
  checkMethod(only, ALGORITHMS.ContentEncryption)
  const transport = checkMethod(key, ALGORITHMS.KeyTransport)
  // With another digest the library would fail as if the key were wrong.
  for (const digest of childrenNamed(transport, DSIG, 'DigestMethod')) {
    checkAlgorithm(digest, ALGORITHMS.KeyTransportDigest)
  }
  for (const { name, namespace, attributes } of all) {
    const uri = attributes.get('URI')
    // It becomes part of a query that finds the key.
    demand(
      uri === undefined ||
        (namespace === DSIG && name === 'RetrievalMethod' && REFERENCE.test(uri)),
      'response_malformed',
      'an encrypted assertion that refers to something',
    )
  }
}

function checkMethod(element: XmlElement, allowed: readonly string[]): XmlElement {
  const [method, ...more] = childrenNamed(element, XENC, 'EncryptionMethod')
  demand(
    method !== undefined && more.length === 0,
    'response_malformed',
    `${element.name} without a method`,
  )
  checkAlgorithm(method, allowed)
  return method
}
