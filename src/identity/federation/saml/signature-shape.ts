import { demand } from '../refusal.ts'
import { ALGORITHMS, DSIG } from './saml-names.ts'
import { childrenNamed, type XmlElement } from './xml.ts'

/**
 * The one signature on an element, of the one form that the SAML profile allows: it is the element's
 * own child and signs this element alone, as a whole, with algorithms that are not broken. Whether it
 * is genuine is not said here.
 * @throws FederationRefusal `response_malformed`, `algorithm_refused`
 */
export function signatureOf(element: XmlElement): XmlElement | undefined {
  const [signature, ...more] = childrenNamed(element, DSIG, 'Signature')
  demand(more.length === 0, 'response_malformed', 'an element with two signatures')
  if (signature === undefined) return undefined
  const signedInfo = only(signature, 'SignedInfo')
  only(signature, 'SignatureValue')
  refuseOthers(signature, ['SignedInfo', 'SignatureValue', 'KeyInfo'])
  refuseOthers(signedInfo, ['CanonicalizationMethod', 'SignatureMethod', 'Reference'])
  checkAlgorithm(only(signedInfo, 'CanonicalizationMethod'), ALGORITHMS.CanonicalizationMethod)
  checkAlgorithm(only(signedInfo, 'SignatureMethod'), ALGORITHMS.SignatureMethod)
  const reference = only(signedInfo, 'Reference')
  const id = element.attributes.get('ID') ?? ''
  demand(
    id !== '' && reference.attributes.get('URI') === `#${id}`,
    'signature_invalid',
    'a signature of something else than the element that it is in',
  )
  refuseOthers(reference, ['Transforms', 'DigestMethod', 'DigestValue'])
  checkAlgorithm(only(reference, 'DigestMethod'), ALGORITHMS.DigestMethod)
  only(reference, 'DigestValue')
  const transforms = only(reference, 'Transforms').children
  demand(
    transforms.length >= 1 && transforms.length <= 2,
    'response_malformed',
    'a signature with other transforms than two',
  )
  for (const transform of transforms) {
    demand(
      transform.name === 'Transform' && transform.namespace === DSIG,
      'response_malformed',
      'a signature with something among its transforms',
    )
    checkAlgorithm(transform, ALGORITHMS.Transform)
  }
  return signature
}

/** @throws FederationRefusal `algorithm_refused` */
export function checkAlgorithm(element: XmlElement, allowed: readonly string[]): void {
  const algorithm = element.attributes.get('Algorithm')
  demand(
    algorithm !== undefined && allowed.includes(algorithm),
    'algorithm_refused',
    `${element.name} ${algorithm?.slice(0, 100) ?? 'without an algorithm'}`,
  )
}

function only(element: XmlElement, name: string): XmlElement {
  const [child, ...more] = childrenNamed(element, DSIG, name)
  demand(
    child !== undefined && more.length === 0,
    'response_malformed',
    `not exactly one ${name} in ${element.name}`,
  )
  return child
}

function refuseOthers(element: XmlElement, names: readonly string[]): void {
  demand(
    element.children.every((child) => child.namespace === DSIG && names.includes(child.name)),
    'response_malformed',
    `something else in ${element.name}`,
  )
}
