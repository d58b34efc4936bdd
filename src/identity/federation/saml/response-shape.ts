import { demand } from '../refusal.ts'
import { DSIG, SAML, SAMLP, SUCCESS } from './saml-names.ts'
import { signatureOf } from './signature-shape.ts'
import { childrenNamed, everyElement, type XmlElement } from './xml.ts'

const ID = /^[A-Za-z_][\w.-]{0,255}$/
/** There is one of each, at its own place. Anywhere else it is somebody's second copy. */
const PLACED = new Set(['Response', 'Assertion', 'EncryptedAssertion', 'Signature'])

/** A response as it came, unverified. */
export interface ResponseShape {
  readonly destination: string | undefined
  readonly issuer: string | undefined
  readonly inResponseTo: string | undefined
  readonly isSigned: boolean
  /** One of the two. */
  readonly assertion: XmlElement | undefined
  readonly encrypted: XmlElement | undefined
}

/**
 * Holds a response to the one shape that has no room for a second assertion: everything that names or
 * signs somebody is at one place, once. Signature wrapping moves a signed assertion aside and puts
 * another where it is read; here there is no aside.
 * @throws FederationRefusal `response_malformed`, `provider_refused`, `algorithm_refused`
 */
export function responseShape(root: XmlElement): ResponseShape {
  demand(
    root.name === 'Response' && root.namespace === SAMLP,
    'response_malformed',
    'not a response',
  )
  checkVersionAndId(root)
  refuseOthers(root, [
    [SAML, 'Issuer'],
    [DSIG, 'Signature'],
    [SAMLP, 'Status'],
    [SAML, 'Assertion'],
    [SAML, 'EncryptedAssertion'],
  ])
  checkStatus(root)
  const assertions = childrenNamed(root, SAML, 'Assertion')
  const encrypted = childrenNamed(root, SAML, 'EncryptedAssertion')
  demand(
    assertions.length + encrypted.length === 1,
    'response_malformed',
    'not exactly one assertion',
  )
  const [assertion] = assertions
  const signature = signatureOf(root)
  const places = [root, signature, ...encrypted]
  refuseCopies(root, assertion === undefined ? places : [...places, ...assertionPlaces(assertion)])
  const issuers = childrenNamed(root, SAML, 'Issuer')
  demand(issuers.length <= 1, 'response_malformed', 'several issuers')
  return {
    destination: root.attributes.get('Destination'),
    issuer: issuers[0]?.text.trim(),
    inResponseTo: root.attributes.get('InResponseTo'),
    isSigned: signature !== undefined,
    assertion,
    encrypted: encrypted[0],
  }
}

/** The same for an assertion by itself: one that was encrypted. */
export function assertionShape(assertion: XmlElement): void {
  demand(
    assertion.name === 'Assertion' && assertion.namespace === SAML,
    'response_malformed',
    'what was encrypted is not an assertion',
  )
  refuseCopies(assertion, assertionPlaces(assertion))
}

function assertionPlaces(assertion: XmlElement): readonly (XmlElement | undefined)[] {
  checkVersionAndId(assertion)
  const signature = signatureOf(assertion)
  demand(signature !== undefined, 'signature_invalid', 'the assertion is not signed')
  return [assertion, signature]
}

function checkVersionAndId(element: XmlElement): void {
  demand(
    element.attributes.get('Version') === '2.0' && ID.test(element.attributes.get('ID') ?? ''),
    'response_malformed',
    `${element.name} of another version, or without an id`,
  )
}

function checkStatus(root: XmlElement): void {
  const [status, ...more] = childrenNamed(root, SAMLP, 'Status')
  demand(status !== undefined && more.length === 0, 'response_malformed', 'not exactly one status')
  const codes = childrenNamed(status, SAMLP, 'StatusCode').map((code) =>
    code.attributes.get('Value'),
  )
  demand(
    codes.length === 1 && codes[0] === SUCCESS,
    'provider_refused',
    `status ${codes[0]?.slice(0, 100) ?? 'missing'}`,
  )
}

function refuseCopies(root: XmlElement, places: readonly (XmlElement | undefined)[]): void {
  const ids = new Set<string>()
  for (const element of everyElement(root)) {
    demand(
      !PLACED.has(element.name) || places.includes(element),
      'response_malformed',
      `a second ${element.name}, or one out of its place`,
    )
    for (const { name, value } of element.allAttributes) {
      if (name.toLowerCase() !== 'id') continue
      demand(!ids.has(value), 'response_malformed', 'an id twice')
      ids.add(value)
    }
  }
}

function refuseOthers(element: XmlElement, allowed: readonly (readonly [string, string])[]): void {
  for (const { name, namespace } of element.children) {
    demand(
      allowed.some(([ns, local]) => ns === namespace && local === name),
      'response_malformed',
      `${name.slice(0, 50)} in ${element.name}`,
    )
  }
}
