import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Duel } from '../duel.ts'
import { type Browser, locationOf, type Page } from '../house/browser.ts'
import { clientOf, LOGIN, OTHER_LOGIN } from '../house/connect.ts'
import type { Party } from '../house/party.ts'
import { attackOf, type RealmAttack, statusesOf } from './attack.ts'

const write = attackOf('write')

/** Begins a sign-in by a connection. @returns where the browser is sent, to the provider */
export async function begin(browser: Browser, party: Party, connection: string): Promise<string> {
  const { url } = await browser.get(authorizeUrl(party))
  const out = await browser.once('GET', `${url}/federation/${connection}`)
  const to = locationOf(out)
  must(to !== undefined, `be sent to the provider: ${out.status}`)
  return to
}

/** Whether an answer of a provider was taken: the browser goes on with a ticket. */
export function isTaken(page: Page): boolean {
  return page.url.includes('ticket=') || locationOf(page)?.includes('ticket=') === true
}

/** A person at the provider signs in at a realm. */
async function signIn(
  duel: Duel,
  party: Party,
  connection: string,
  claims: object,
  browser: Browser,
) {
  const { provider } = duel.plane.site
  const back = provider.signIn(await begin(browser, party, connection), { ...claims })
  return browser.once('GET', back)
}

/** The victim's user signs in by the victim's provider, to the end. */
async function ownerSignsIn(duel: Duel): Promise<string> {
  const { victim } = duel
  const browser = duel.ownerBrowser()
  const page = await signIn(duel, victim, LOGIN, { sub: victim.personCanary }, browser)
  must(isTaken(page), `sign in by its provider: ${page.status}`)
  const { url } = await browser.get(locationOf(page) ?? '')
  must(url.startsWith(victim.callback), 'come to its application')
  // It has a session now, and more of them at each such sign-in.
  duel.othersWork()
  return 'the user signed in by its provider'
}

const STRANGER = { sub: 'a-stranger-at-the-provider' }

export const FEDERATION: readonly RealmAttack[] = [
  write(
    'id-federation-other-realm',
    'An answer to a sign-in of one realm, at another',
    async (duel) => {
      const { attacker, victim } = duel
      const owner = await ownerSignsIn(duel)
      const { provider } = duel.plane.site
      const browser = duel.browser()
      const location = await begin(browser, attacker, LOGIN)
      const redirect = `${victim.issuer}/federation/${LOGIN}/callback`
      const client = { id: clientOf(victim, LOGIN), redirect }
      const [from, to] = [new URL(attacker.issuer).pathname, new URL(victim.issuer).pathname]
      browser.cookies = browser.cookies.map((one) => ({ ...one, path: one.path.replace(from, to) }))
      return {
        owner,
        attempt: async () => {
          const back = provider.signIn(location, { sub: victim.personCanary }, client)
          const page = await browser.once('GET', back)
          return { crossed: isTaken(page), met: statusesOf([page]) }
        },
      }
    },
  ),
  write(
    'id-federation-other-browser',
    "An answer to one's own sign-in, in another's browser",
    async (duel) => {
      const { victim } = duel
      const owner = await ownerSignsIn(duel)
      const { provider } = duel.plane.site
      const location = await begin(duel.browser(), victim, LOGIN)
      const other = duel.ownerBrowser()
      await begin(other, victim, LOGIN)
      return {
        owner,
        attempt: async () => {
          const back = provider.signIn(location, { sub: victim.personCanary })
          const page = await other.once('GET', back)
          return { crossed: isTaken(page), met: statusesOf([page]) }
        },
      }
    },
  ),
  write(
    'id-federation-person-of-other',
    "A person of another tenant's at the same provider",
    async (duel) => {
      const { attacker, victim } = duel
      const owner = await ownerSignsIn(duel)
      const claims = { sub: attacker.personCanary }
      return {
        owner,
        attempt: async () => {
          const page = await signIn(duel, victim, LOGIN, claims, duel.browser())
          return { crossed: isTaken(page), met: statusesOf([page]) }
        },
      }
    },
  ),
  write(
    'id-federation-mail-not-verified',
    'An address that the provider does not vouch for',
    async (duel) => {
      const { victim } = duel
      const owner = await ownerSignsIn(duel)
      const { email } = await duel.guest()
      return {
        owner,
        attempt: async () => {
          const pages: Page[] = []
          for (const email_verified of [false, undefined, 'false', 0, null]) {
            const claims = { ...STRANGER, email, email_verified }
            pages.push(await signIn(duel, victim, LOGIN, claims, duel.browser()))
          }
          return { crossed: pages.some(isTaken), met: statusesOf(pages) }
        },
      }
    },
  ),
  write(
    'id-federation-domain-of-tenant',
    'An address of a domain that another tenant has proven',
    async (duel) => {
      const { attacker, victim } = duel
      const owner = await ownerSignsIn(duel)
      const { email } = await duel.guest(attacker.domain)
      return {
        owner,
        attempt: async () => {
          const claims = { ...STRANGER, email, email_verified: true }
          const page = await signIn(duel, victim, LOGIN, claims, duel.browser())
          return { crossed: isTaken(page), met: statusesOf([page]) }
        },
      }
    },
  ),
  write(
    'id-federation-domain-of-other',
    "An address of a domain that is another connection's",
    async (duel) => {
      const { victim } = duel
      const owner = await ownerSignsIn(duel)
      const { email } = await duel.guest()
      return {
        owner,
        attempt: async () => {
          const claims = { ...STRANGER, email, email_verified: true }
          const page = await signIn(duel, victim, OTHER_LOGIN, claims, duel.browser())
          return { crossed: isTaken(page), met: statusesOf([page]) }
        },
      }
    },
  ),
]
