import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Duel } from '../duel.ts'
import { type Browser, locationOf, type Page } from '../house/browser.ts'
import { APP } from '../house/furnish.ts'
import type { Party } from '../house/party.ts'
import { attackOf, type RealmAttack, statusesOf } from './attack.ts'

const read = attackOf('read')

/** Where a browser is sent, in the end, by who is signed in at the victim's realm. */
async function sentTo(duel: Duel, browser: Browser, redirect_uri: string): Promise<Page> {
  return browser.once('GET', authorizeUrl(duel.victim, { redirect_uri }))
}

/** Addresses that look like one of the application's, and are not. */
function redirects(
  id: string,
  title: string,
  spell: (of: Party, other: Party) => readonly string[],
): RealmAttack {
  return read(id, title, async (duel) => {
    const browser = duel.ownerBrowser()
    const { url } = await duel.comeBack(browser, duel.victim)
    must(url.startsWith(`${duel.victim.callback}?code=`), 'be called back with a code')
    // Its own session is seen at each request.
    duel.othersWork()
    return {
      owner: 'the application was called back with a code',
      attempt: async () => {
        const heard: Page[] = []
        for (const uri of spell(duel.victim, duel.attacker))
          heard.push(await sentTo(duel, browser, uri))
        const away = heard.filter(
          (page) => locationOf(page) !== undefined || page.body.includes('code='),
        )
        return { crossed: away.length > 0, met: statusesOf(heard) }
      },
    }
  })
}

export const REDIRECTS: readonly RealmAttack[] = [
  redirects('id-redirect-longer', "Redirects that begin as the application's", ({ callback }) => [
    `${callback}.evil.test`,
    `${callback}/../evil`,
    `${callback}/more`,
    `${callback}x`,
    `${callback}?next=https://evil.test/`,
    `${callback}%2f..%2fevil`,
  ]),
  redirects(
    'id-redirect-host',
    'Redirects to another host that looks like it',
    ({ callback }, other) => {
      const { host } = new URL(callback)
      return [
        `https://evil.test/cb`,
        `https://${host}@evil.test/cb`,
        `https://${host}.evil.test/cb`,
        `https://evil.test\\@${host}/cb`,
        `https://evil.test#@${host}/cb`,
        `https://evil${host}/cb`,
        `https://${host.replace('a', 'а')}/cb`,
        other.callback,
      ]
    },
  ),
  redirects('id-redirect-spelling', 'The same redirect in other spellings', ({ callback }) => {
    const { host } = new URL(callback)
    return [
      callback.toUpperCase(),
      `https://${host.toUpperCase()}/cb`,
      `https://${host}/CB`,
      `https://${host}:443/cb`,
      `https://${host}/./cb`,
      `https://${host}/x/../cb`,
      `https://${host}/%63b`,
      `https://${host}./cb`,
      ` ${callback}`,
      `${callback}/`,
      `${callback}#`,
    ]
  }),
  redirects(
    'id-redirect-port-scheme',
    'The same redirect at another port or scheme',
    ({ callback }) => {
      const { host } = new URL(callback)
      return [
        `https://${host}:8443/cb`,
        `http://${host}/cb`,
        `javascript:alert(1)//${host}/cb`,
        `data:text/html,${callback}`,
        `//${host}/cb`,
        '/cb',
      ]
    },
  ),
  read('id-logout-redirect', 'Redirects after signing out', async (duel) => {
    const { victim, attacker } = duel
    const bye = `https://app.${victim.domain}/bye`
    const out = async (browser: Browser, uri: string) => {
      const query = new URLSearchParams({ client_id: APP, post_logout_redirect_uri: uri })
      const asked = await browser.get(`${victim.issuer}/session/end?${query.toString()}`)
      if (asked.forms.length === 0) return asked
      return browser.submit(asked, '/session/end/confirm', { logout: 'yes' })
    }
    const own = duel.ownerBrowser()
    await duel.signIn(own, victim)
    must((await out(own, bye)).url.startsWith(bye), 'be sent back after signing out')
    duel.othersWork()
    return {
      owner: 'the application had its user back after signing out',
      attempt: async () => {
        const heard: Page[] = []
        for (const uri of [
          'https://evil.test/',
          `${bye}.evil.test`,
          `https://app.${victim.domain}@evil.test/bye`,
          `${bye}/../evil`,
          `https://app.${attacker.domain}/bye`,
          `${bye}?next=https://evil.test`,
          `http://app.${victim.domain}/bye`,
        ]) {
          heard.push(await out(duel.ownerBrowser(), uri))
        }
        const away = heard.filter(({ url }) => !url.startsWith(victim.issuer))
        return { crossed: away.length > 0, met: statusesOf(heard) }
      },
    }
  }),
]
