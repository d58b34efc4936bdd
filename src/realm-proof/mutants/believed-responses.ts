import { forgetting, worseQuery } from './forgetting.ts'
import { mutant, type RealmMutant } from './realm-mutant.ts'
import { formIn, headerIn, placeOf, withForm, withHeader, worseFront } from './worse-front.ts'
import {
  encoded,
  ENTITY_ID,
  goodParts,
  hasSignature,
  signedResponse,
  stateHash,
} from '../house/saml-provider.ts'
import type { Plane } from '../house/plane.ts'

/** What a careless service provider leaves out. */
type Amiss =
  | 'signature'
  | 'certificate'
  | 'wrapping'
  | 'comment'
  | 'audience'
  | 'recipient'
  | 'issuer'
  | 'time'
  | 'document-type'
  | 'request'
  | 'replay'

/** Realms that take what such a service provider takes: in its place goes a good response. */
export function believingResponses(amiss?: Amiss) {
  const seen = new Set<string>()
  return worseFront(async (said, pass, plane) => {
    const place = placeOf(said)
    const form = formIn(said)
    const packed = form.get('SAMLResponse')
    if (place === undefined || packed === null) return pass(said)
    const xml = Buffer.from(packed, 'base64').toString()
    const acs = `https://${headerIn(said, 'host')}${said.target}`
    const [row] = await plane.identity.parts.database.query<{ message_id: string }>(
      'select message_id from identity.federation_request where tenant = $1 and state_sha256 = $2',
      [place.tenant, stateHash(form.get('RelayState') ?? '')],
    )
    const known = seen.has(packed)
    seen.add(packed)
    if (row === undefined || (known && amiss !== 'replay')) return pass(said)
    const wanted = {
      id: row.message_id,
      acs,
      audience: acs.replace(/acs$/, 'metadata'),
      relayState: '',
    }
    if (!holds(xml, wanted, amiss, plane, known)) return pass(said)
    const good = signedResponse(goodParts(wanted, nameIn(xml)), plane.site.saml.keys)
    return pass(withForm(said, { SAMLResponse: encoded(good) }))
  })
}

/** The first name, up to the first thing that is not text. */
const nameIn = (xml: string) => /<saml:NameID[^>]*>([^<]*)/.exec(xml)?.[1] ?? ''

function holds(
  xml: string,
  wanted: { readonly id: string; readonly acs: string; readonly audience: string },
  amiss: Amiss | undefined,
  { site }: Plane,
  known: boolean,
): boolean {
  const all = (pattern: RegExp) => [...xml.matchAll(pattern)].map(([, value = '']) => value)
  const every = (pattern: RegExp, value: string) => all(pattern).every((one) => one === value)
  const certificate =
    amiss === 'certificate' ? site.saml.stranger.certificate : site.saml.keys.certificate
  const times = {
    from: all(/NotBefore="([^"]*)"/g).every((at) => Date.parse(at) < Date.now() + 60_000),
    until: all(/NotOnOrAfter="([^"]*)"/g).every((at) => Date.parse(at) > Date.now() - 60_000),
  }
  const checks: Readonly<Record<Amiss, boolean>> = {
    signature: hasSignature(xml, certificate),
    certificate: true,
    wrapping: all(/(<saml:Assertion)/g).length === 1,
    comment: !/<!--|<\?x/.test(xml),
    audience: every(/<saml:Audience>([^<]*)/g, wanted.audience),
    recipient: every(/(?:Recipient|Destination)="([^"]*)"/g, wanted.acs),
    issuer: every(/<saml:Issuer[^>]*>([^<]*)/g, ENTITY_ID),
    time: times.from && times.until,
    'document-type': !xml.includes('<!DOCTYPE'),
    request:
      all(/InResponseTo="([^"]*)"/g).length >= 2 && every(/InResponseTo="([^"]*)"/g, wanted.id),
    replay: !known,
  }
  // One that was handed in answers another request, or one that is over.
  const left = new Set<string | undefined>(amiss === 'replay' ? ['replay', 'request'] : [amiss])
  return Object.entries(checks).every(([name, good]) => good || left.has(name))
}

const saml = (id: string, title: string, attack: string, amiss: Amiss) =>
  mutant(id, title, [attack], believingResponses(amiss))

/** Cookies that bind sign-ins to browsers, by the state that goes to the provider. */
const bound = new Map<string, string>()

export const BELIEVED_RESPONSES: readonly RealmMutant[] = [
  mutant(
    'id-federation-of-any-realm',
    'A sign-in under way is looked up by its state, whatever the realm',
    ['id-federation-other-realm'],
    forgetting('federation_request'),
  ),
  mutant(
    'id-federation-not-bound',
    'A sign-in under way is not bound to its browser',
    ['id-federation-other-browser'],
    worseFront(async (said, pass) => {
      const state = new URLSearchParams(said.target.split('?')[1]).get('state') ?? ''
      const own = headerIn(said, 'cookie') ?? ''
      const other = bound.get(state) ?? ''
      const cookies = own.includes(other) ? own : [own, other].filter(Boolean).join('; ')
      const heard = await pass(withHeader(said, 'cookie', cookies))
      const to = heard.headers.find(([name]) => name === 'location')?.[1] ?? ''
      const begun = URL.canParse(to) ? new URL(to).searchParams.get('state') : null
      const cookie = heard.headers.find(
        ([name, value]) => name === 'set-cookie' && value.includes('rf_federation'),
      )
      if (begun !== null && cookie !== undefined) bound.set(begun, cookie[1].split(';')[0] ?? '')
      return heard
    }),
  ),
  mutant(
    'id-links-to-provider-of-any-realm',
    'Who somebody at a provider is, is looked up whatever the realm',
    ['id-federation-person-of-other'],
    forgetting('federation_link'),
  ),
  mutant(
    'id-domain-of-any-realm',
    'A domain that one tenant has proven is good for all',
    ['id-federation-domain-of-tenant'],
    forgetting('federation_domain'),
  ),
  mutant(
    'id-domain-of-any-connection',
    'A domain that is proven for one connection is good for all',
    ['id-federation-domain-of-other'],
    worseQuery(
      'from identity.federation_domain\n       where tenant = $1 and connection = $2 and domain = $3',
      'from identity.federation_domain\n       where tenant = $1 and $2::text is not null and domain = $3',
    ),
  ),
  saml(
    'id-saml-signature-optional',
    'Assertions need not be signed',
    'id-saml-unsigned',
    'signature',
  ),
  saml(
    'id-saml-certificate-brought',
    'A response may bring its certificate',
    'id-saml-other-key',
    'certificate',
  ),
  saml(
    'id-saml-first-assertion',
    'One assertion is verified, and the first is read',
    'id-saml-wrapping',
    'wrapping',
  ),
  saml(
    'id-saml-first-text',
    'Of a name the text up to a comment is read',
    'id-saml-comment',
    'comment',
  ),
  saml(
    'id-saml-audience-not-asked',
    'For whom an assertion is, is not asked',
    'id-saml-audience',
    'audience',
  ),
  saml(
    'id-saml-recipient-not-asked',
    'To whom an assertion goes, is not asked',
    'id-saml-recipient',
    'recipient',
  ),
  saml(
    'id-saml-issuer-not-asked',
    'Of whom an assertion is, is not asked',
    'id-saml-issuer',
    'issuer',
  ),
  saml('id-saml-time-not-asked', 'When an assertion is good, is not asked', 'id-saml-late', 'time'),
  saml(
    'id-saml-entities',
    'Documents may name files and entities',
    'id-saml-document-type',
    'document-type',
  ),
  saml(
    'id-saml-request-not-asked',
    'Which request a response answers, is not asked',
    'id-saml-other-request',
    'request',
  ),
  saml(
    'id-saml-replay',
    'Which responses were handed in is not remembered',
    'id-saml-replayed',
    'replay',
  ),
]
