import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Duel, typePassword } from '../duel.ts'
import { type Browser, FOREIGN, formOf, locationOf, type Page } from '../house/browser.ts'
import { PARTNER } from '../house/furnish.ts'
import { PASSWORD, PERSON } from '../house/party.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import { headerOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')

/** Whether this browser is signed in at the victim's realm: its application gets a code at once. */
async function isSignedIn(duel: Duel, browser: Browser): Promise<boolean> {
  const page = await browser.once('GET', authorizeUrl(duel.victim, { prompt: 'none' }))
  return locationOf(page)?.includes('code=') === true
}

async function signedIn(duel: Duel): Promise<Browser> {
  const browser = duel.ownerBrowser()
  await duel.comeBack(browser, duel.victim)
  must(await isSignedIn(duel, browser), 'stay signed in')
  // Its own session is seen at each request.
  duel.othersWork()
  return browser
}

export const BROWSERS: readonly RealmAttack[] = [
  read('id-cookie-path', 'Cookies of one realm that are sent to another', async (duel) => {
    const { attacker, victim } = duel
    const browser = await signedIn(duel)
    await browser.get(authorizeUrl(victim, { client_id: PARTNER, prompt: 'login' }))
    return {
      owner: 'the browser is signed in at its realm, and signs in again',
      attempt: async () => {
        const { pathname } = new URL(attacker.issuer)
        const sent = ['/auth', '/account', '/interaction/x', '/federation/x/acs', '']
          .map((path) => browser.cookiesFor(`${pathname}${path}`))
          .filter((cookie) => cookie !== '')
        const bare = browser.cookies.filter(
          ({ line }) =>
            !/; ?httponly/i.test(line) || !/; ?secure/i.test(line) || /; ?domain=/i.test(line),
        )
        const met = `${sent.length} paths are sent cookies, ${bare.length} cookies are not kept close`
        return { crossed: sent.length + bare.length > 0, met }
      },
    }
  }),
  read('id-session-other-realm', "A session of one realm, in another's cookie", async (duel) => {
    const { attacker, victim } = duel
    await signedIn(duel)
    const thief = duel.browser()
    await duel.comeBack(thief, attacker)
    const [from, to] = [new URL(attacker.issuer).pathname, new URL(victim.issuer).pathname]
    thief.cookies = thief.cookies.map((cookie) => ({
      ...cookie,
      path: cookie.path.replace(from, to),
    }))
    return {
      owner: 'the browser is signed in by the cookie of its realm',
      attempt: async () => {
        const crossed = await isSignedIn(duel, thief)
        const account = await thief.once('GET', `${victim.issuer}/account`)
        return { crossed: crossed || account.status === 200, met: statusesOf([account]) }
      },
    }
  }),
  write(
    'id-session-fixation',
    'A session that was planted before its user signed in',
    async (duel) => {
      const browser = await signedIn(duel)
      const planted = browser.cookies
      const session = browser.cookie('rf_session')?.value
      // The user signs in, in the browser in which somebody left a session of theirs.
      await typePassword(browser, await browser.get(authorizeUrl(duel.victim, { prompt: 'login' })))
      must(await isSignedIn(duel, browser), 'sign in again')
      return {
        owner: 'the user signed in, in a browser that had a session',
        attempt: async () => {
          const thief = duel.browser()
          thief.cookies = [...planted]
          const same = browser.cookie('rf_session')?.value === session
          const crossed = await isSignedIn(duel, thief)
          return { crossed: crossed || same, met: same ? 'the session kept its name' : 'nothing' }
        },
      }
    },
  ),
  read('id-interaction-of-other', "Somebody else's sign-in by its address", async (duel) => {
    const { victim } = duel
    const own = duel.ownerBrowser()
    const page = await own.get(authorizeUrl(victim))
    must(page.forms.length > 0, 'begin to sign in')
    return {
      owner: 'the user sees the page of the sign-in',
      attempt: async () => {
        const thief = duel.browser()
        const seen = await thief.once('GET', page.url)
        const { action, fields } = formOf(page, '/identifier')
        const sent = await thief.once('POST', action, { form: { ...fields, name: PERSON } })
        return noneMay([seen, sent])
      },
    }
  }),
  write('id-csrf-sign-in', 'Signing a browser in from another site', async (duel) => {
    const { victim } = duel
    const fresh = async () => {
      const browser = duel.ownerBrowser()
      return { browser, page: await browser.get(authorizeUrl(victim)) }
    }
    const good = await fresh()
    must((await typePassword(good.browser, good.page)).url.startsWith(victim.callback), 'sign in')
    duel.othersWork()
    return {
      owner: 'the user signed in by the form of the page',
      attempt: async () => {
        const heard: Page[] = []
        // A form of one's own, of the attacker's realm, and the right one from elsewhere.
        const theirs = formOf(await duel.browser().get(authorizeUrl(duel.attacker)), '/identifier')
        for (const [fields, headers] of [
          [{}, FOREIGN],
          [{ csrf: theirs.fields['csrf'] ?? '' }, FOREIGN],
          [{ csrf: theirs.fields['csrf'] ?? '' }, undefined],
          [undefined, FOREIGN],
        ] as const) {
          const { browser, page } = await fresh()
          const { action, fields: own } = formOf(page, '/identifier')
          const form = { ...(fields ?? own), name: PERSON, password: PASSWORD }
          heard.push(await browser.post(action.replace('/identifier', '/password'), form, headers))
        }
        return {
          ...noneMay(heard),
          crossed: heard.some(({ status, url }) => status < 400 || !url.startsWith(victim.issuer)),
        }
      },
    }
  }),
  write('id-csrf-consent', 'Consenting for somebody from another site', async (duel) => {
    const { victim } = duel
    const browser = await signedIn(duel)
    const ask = () =>
      browser.get(
        authorizeUrl(victim, { client_id: PARTNER, scope: 'openid read', prompt: 'consent' }),
      )
    const given = await browser.submit(await ask(), '/consent', { answer: 'allow' })
    must(given.url.includes('code='), 'allow what a partner asks for')
    return {
      owner: 'the user allowed what a partner asked for',
      attempt: async () => {
        const { action } = formOf(await ask(), '/consent')
        const heard = [
          await browser.post(action, { answer: 'allow' }, FOREIGN),
          await browser.post(action, { answer: 'allow', csrf: 'x'.repeat(43) }),
        ]
        const crossed = heard.some(({ url }) => url.includes('code='))
        return { crossed, met: statusesOf(heard) }
      },
    }
  }),
  write('id-csrf-account', "Changing somebody's account from another site", async (duel) => {
    const { victim } = duel
    const browser = await signedIn(duel)
    const page = await browser.get(`${victim.issuer}/account`)
    const kept = { display_name: victim.nameCanary, given_name: '', family_name: '' }
    const saved = await browser.submit(page, '/account', kept)
    must(saved.status === 200, 'save its profile')
    const name = async () => {
      const { directory } = duel.plane.identity.parts
      return (await directory.account(victim.tenant, PERSON))?.displayName
    }
    return {
      owner: 'the user saved its profile',
      attempt: async () => {
        const { action } = formOf(page, '/account')
        const evil = { display_name: 'somebody else' }
        const heard = [
          await browser.post(action, evil, FOREIGN),
          await browser.post(action, { ...evil, csrf: 'x'.repeat(43) }),
        ]
        const crossed = (await name()) !== victim.nameCanary
        if (crossed) await browser.submit(page, '/account', kept)
        return { crossed, met: statusesOf(heard) }
      },
    }
  }),
  write('id-csrf-sign-out', 'Signing somebody out from another site', async (duel) => {
    const { victim } = duel
    const other = await signedIn(duel)
    const asked = await other.get(`${victim.issuer}/session/end`)
    await other.submit(asked, '/session/end/confirm', { logout: 'yes' })
    must(!(await isSignedIn(duel, other)), 'sign out')
    const browser = await signedIn(duel)
    return {
      owner: 'the user signed out by the form of the page',
      attempt: async () => {
        const heard = [
          await browser.get(`${victim.issuer}/session/end`),
          await browser.get(`${victim.issuer}/session/end?logout=yes`),
          await browser.post(`${victim.issuer}/session/end/confirm`, { logout: 'yes' }, FOREIGN),
          await browser.post(
            `${victim.issuer}/session/end/confirm`,
            { logout: 'yes', xsrf: 'x'.repeat(43) },
            FOREIGN,
          ),
        ]
        return { crossed: !(await isSignedIn(duel, browser)), met: statusesOf(heard) }
      },
    }
  }),
  read('id-logout-hint-other-realm', "Signing out with another realm's ID token", async (duel) => {
    const { attacker, victim } = duel
    const mine = await duel.tokens(attacker, {}, duel.browser())
    const theirs = await duel.tokens(victim)
    const out = (id_token_hint: string) =>
      duel
        .ownerBrowser()
        .once(
          'GET',
          `${victim.issuer}/session/end?${new URLSearchParams({ id_token_hint }).toString()}`,
        )
    must((await out(theirs.id_token)).status === 200, 'begin to sign out with its ID token')
    return {
      owner: 'the application began to sign its user out with an ID token of the realm',
      attempt: async () => noneMay([await out(mine.id_token)]),
    }
  }),
  read('id-framed', 'Pages in a frame, with scripts, and kept', async (duel) => {
    const { victim } = duel
    const browser = await signedIn(duel)
    const pages = {
      'sign-in': await duel.ownerBrowser().get(authorizeUrl(victim)),
      consent: await browser.get(authorizeUrl(victim, { client_id: PARTNER, prompt: 'consent' })),
      account: await browser.get(`${victim.issuer}/account`),
      security: await browser.get(`${victim.issuer}/account/security`),
      recovery: await duel.ownerBrowser().get(`${victim.issuer}/recover`),
      device: await duel.ownerBrowser().get(`${victim.issuer}/device`),
      'sign-out': await browser.get(`${victim.issuer}/session/end`),
      refused: await duel.ownerBrowser().get(`${victim.issuer}/auth?client_id=nobody`),
    }
    must(
      Object.values(pages).every(({ body }) => body.includes('<html')),
      'see its pages',
    )
    return {
      owner: 'the user saw the pages of the realm',
      attempt: async () => {
        const open = Object.entries(pages).filter(([, page]) => !isClosed(page))
        const met = `${open.length} of ${Object.keys(pages).length}: ${open.map(([name]) => name).join(', ')}`
        return { crossed: open.length > 0, met }
      },
    }
  }),
]

/** Framed by nobody, with no script that is not ours, kept by nobody, and no address told. */
function isClosed(page: Page): boolean {
  const policy = headerOf(page, 'content-security-policy')
  return (
    policy.includes("frame-ancestors 'none'") &&
    policy.includes("default-src 'none'") &&
    !/unsafe|\*/.test(policy) &&
    headerOf(page, 'x-frame-options') === 'DENY' &&
    headerOf(page, 'x-content-type-options') === 'nosniff' &&
    /no-store/.test(headerOf(page, 'cache-control')) &&
    headerOf(page, 'referrer-policy') === 'no-referrer'
  )
}
