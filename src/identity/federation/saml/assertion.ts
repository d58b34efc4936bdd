import { demand } from '../refusal.ts'
import { BEARER, SAML } from './saml-names.ts'
import { childrenNamed, type XmlElement } from './xml.ts'

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/
const ATTRIBUTES_MAX = 200

/** What an assertion says. Trust it only when it was read from what was verified. */
export interface Assertion {
  readonly id: string
  readonly issuer: string
  readonly issuedAt: Date
  /** Until when it can be handed in. */
  readonly confirmableUntil: Date
  readonly recipient: string
  readonly inResponseTo: string | undefined
  readonly audiences: readonly string[]
  readonly nameId: { readonly value: string; readonly format: string | undefined } | undefined
  /** How the person signed in. */
  readonly contexts: readonly string[]
  readonly attributes: Readonly<Record<string, readonly string[]>>
}

/**
 * Reads an assertion for one bearer. What could be read in two ways is refused.
 * @throws FederationRefusal `response_malformed`
 */
export function readAssertion(root: XmlElement): Assertion {
  demand(
    root.name === 'Assertion' && root.namespace === SAML,
    'response_malformed',
    'not an assertion',
  )
  const subject = only(root, 'Subject')
  const confirmation = only(subject, 'SubjectConfirmation')
  const data = only(confirmation, 'SubjectConfirmationData')
  demand(confirmation.attributes.get('Method') === BEARER, 'response_malformed', 'not for a bearer')
  const conditions = only(root, 'Conditions')
  const audiences = childrenNamed(conditions, SAML, 'AudienceRestriction').flatMap((restriction) =>
    childrenNamed(restriction, SAML, 'Audience').map(({ text }) => text.trim()),
  )
  const statements = childrenNamed(root, SAML, 'AuthnStatement')
  demand(statements.length >= 1, 'response_malformed', 'it does not say that anybody signed in')
  return {
    id: root.attributes.get('ID') ?? '',
    issuer: plainText(only(root, 'Issuer')),
    issuedAt: instant(root, 'IssueInstant'),
    confirmableUntil: instant(data, 'NotOnOrAfter'),
    recipient: data.attributes.get('Recipient') ?? '',
    inResponseTo: data.attributes.get('InResponseTo'),
    audiences,
    nameId: nameIdOf(subject),
    contexts: statements
      .flatMap((statement) => childrenNamed(statement, SAML, 'AuthnContext'))
      .flatMap((context) => childrenNamed(context, SAML, 'AuthnContextClassRef'))
      .map(({ text }) => text.trim()),
    attributes: attributesOf(root),
  }
}

function nameIdOf(subject: XmlElement): Assertion['nameId'] {
  const [nameId, ...more] = childrenNamed(subject, SAML, 'NameID')
  demand(more.length === 0, 'response_malformed', 'several NameIDs')
  if (nameId === undefined) return undefined
  return { value: plainText(nameId), format: nameId.attributes.get('Format') }
}

function attributesOf(root: XmlElement): Readonly<Record<string, readonly string[]>> {
  const attributes = childrenNamed(root, SAML, 'AttributeStatement').flatMap((statement) =>
    childrenNamed(statement, SAML, 'Attribute'),
  )
  demand(attributes.length <= ATTRIBUTES_MAX, 'response_malformed', 'too many attributes')
  const found = new Map<string, readonly string[]>()
  for (const attribute of attributes) {
    const name = attribute.attributes.get('Name') ?? ''
    // Some providers send each value of a group in an attribute of its own.
    const values = childrenNamed(attribute, SAML, 'AttributeValue')
      // A value with elements inside is nothing that a mapping could read.
      .filter(({ children }) => children.length === 0)
      .map(({ text }) => text)
    found.set(name, [...(found.get(name) ?? []), ...values])
  }
  return Object.fromEntries(found)
}

/** The text of an element that holds nothing else: none of it can be hidden. */
function plainText(element: XmlElement): string {
  demand(element.children.length === 0, 'response_malformed', `${element.name} with elements in it`)
  return element.text.trim()
}

function instant(element: XmlElement, name: string): Date {
  const text = element.attributes.get(name) ?? ''
  const date = new Date(text)
  demand(
    INSTANT.test(text) && !Number.isNaN(date.getTime()),
    'response_malformed',
    `${name} is no time`,
  )
  return date
}

function only(element: XmlElement, name: string): XmlElement {
  const [child, ...more] = childrenNamed(element, SAML, name)
  demand(
    child !== undefined && more.length === 0,
    'response_malformed',
    `not exactly one ${name} in ${element.name}`,
  )
  return child
}
