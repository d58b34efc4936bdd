import { must } from '../../strikes/staged-attack.ts'
import type { Duel, Guest } from '../duel.ts'
import { formOf, type Page } from '../house/browser.ts'
import { PASSWORD } from '../house/party.ts'
import { member } from './mail-headers.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'

const write = attackOf('write')
const NEW_PASSWORD = 'copper-lantern-31-reef'
const LINK = /https?:\/\/[^\s"<]+\/link\/(rfl_[\w-]+)/

/** The secret of the link by which a guest of the victim's is invited. */
async function invited(duel: Duel, guest: Guest): Promise<string> {
  const { links } = duel.plane.mounted.services
  const mail = await duel.mailed(guest.email, () => links.invite(duel.victim.tenant, guest.subject))
  const secret = LINK.exec(mail)?.[1]
  must(secret !== undefined, 'be invited by mail')
  return secret
}

const setPassword = async (duel: Duel, url: string): Promise<Page> => {
  const browser = duel.ownerBrowser()
  const page = await browser.get(url)
  return browser.submit(page, url.slice(url.lastIndexOf('/')), { password: NEW_PASSWORD })
}

export const MAILS: readonly RealmAttack[] = [
  write('id-link-other-realm', 'A link of one realm at another', async (duel) => {
    const { attacker, victim } = duel
    const guest = await duel.guest()
    const secret = await invited(duel, guest)
    const seen = await duel.ownerBrowser().get(`${victim.issuer}/link/${secret}`)
    must(seen.status === 200, 'open its link')
    return {
      owner: 'the user opened the link of its mail',
      attempt: async () => noneMay([await duel.browser().get(`${attacker.issuer}/link/${secret}`)]),
    }
  }),
  write('id-link-address-other-realm', "Another realm's change of an address", async (duel) => {
    const { attacker, victim } = duel
    const { services } = duel.plane.mounted
    const asked = async () => {
      const { subject, name } = await member(duel)
      const email = `${name}@elsewhere.test`
      const holder = {
        by: 'session',
        tenant: victim.tenant,
        subject,
        acr: 'urn:ringfence:acr:1',
        signedInAt: new Date(),
      } as const
      const mail = await duel.mailed(email, () => services.emailChange.request(holder, email))
      return /\/link\/(rfe_[\w-]+)/.exec(mail)?.[1] ?? ''
    }
    const own = await asked()
    const page = await duel.ownerBrowser().get(`${victim.issuer}/link/${own}`)
    must(page.status === 200 && page.forms.length === 1, 'open the link to its new address')
    const other = await asked()
    duel.othersWork()
    return {
      owner: 'the user opened the link to its new address',
      attempt: async () => {
        const thief = duel.browser()
        const shown = await thief.get(`${attacker.issuer}/link/${other}`)
        const { kind } = await services.emailChange.confirm(attacker.tenant, other)
        const { crossed, met } = noneMay([shown])
        return { crossed: crossed || kind !== 'gone', met: `${met}, ${kind}` }
      },
    }
  }),
  write('id-link-replayed', 'A link a second time', async (duel) => {
    const { victim } = duel
    const url = `${victim.issuer}/link/${await invited(duel, await duel.guest())}`
    // Somebody who saw the page over the user's shoulder, and sends its form later.
    const thief = duel.ownerBrowser()
    const before = await thief.get(url)
    const { action, fields } = formOf(before, url.slice(url.lastIndexOf('/')))
    must((await setPassword(duel, url)).status === 200, 'set its password by the link')
    duel.othersWork()
    return {
      owner: 'the user set its password by the link of its mail',
      attempt: async () =>
        noneMay([
          await duel.browser().get(url),
          await thief.post(action, { ...fields, password: `${PASSWORD} of a thief` }),
        ]),
    }
  }),
  write('id-link-host', 'A link to the host that a request names', async (duel) => {
    const { victim } = duel
    const ask = async (guest: Guest, headers: readonly (readonly [string, string])[]) => {
      const browser = duel.ownerBrowser()
      const page = await browser.get(`${victim.issuer}/recover`)
      const { action, fields } = formOf(page, '/recover')
      const own = [
        ['Origin', 'null'],
        ['Sec-Fetch-Site', 'same-origin'],
      ] as const
      return browser.post(action, { ...fields, name: guest.name }, [...own, ...headers])
    }
    const guest = await duel.guest()
    await setPassword(duel, `${victim.issuer}/link/${await invited(duel, guest)}`)
    const good = LINK.exec(await duel.mailed(guest.email, () => ask(guest, [])))?.[0]
    must(good?.startsWith(`${victim.issuer}/link/`) === true, 'be sent a link to its realm')
    duel.othersWork()
    return {
      owner: 'the user was sent a link to its realm',
      attempt: async () => {
        const mail = await duel.mailed(guest.email, () =>
          ask(guest, [
            ['X-Forwarded-Host', 'evil.test'],
            ['Forwarded', 'host=evil.test'],
            ['X-Forwarded-Server', 'evil.test'],
          ]),
        )
        const host = new URL(LINK.exec(mail)?.[0] ?? 'https://none.test').host
        return { crossed: !victim.issuer.includes(host), met: `a link to ${host}` }
      },
    }
  }),
  write(
    'id-lock-out-other-realm',
    'Wrong passwords at one realm, for a user of another',
    async (duel) => {
      const { attacker, victim } = duel
      const browser = duel.ownerBrowser()
      must((await duel.signIn(browser, victim)).url.startsWith(victim.callback), 'sign in')
      const fresh = duel.ownerBrowser()
      await forgetTries(duel)
      duel.othersWork()
      duel.afterwards(() => forgetTries(duel))
      return {
        owner: 'the user signed in',
        attempt: async () => {
          const tries = await wrongTries(duel, attacker.tenant, fresh.from, 12)
          const page = await duel.signIn(fresh, victim)
          return {
            crossed: !page.url.startsWith(victim.callback),
            met: `${tries}, then ${page.status}`,
          }
        },
      }
    },
  ),
  write(
    'id-lock-out-by-stranger',
    "Wrong passwords at a user's own realm, by a stranger",
    async (duel) => {
      const { victim } = duel
      const browser = duel.ownerBrowser()
      must((await duel.signIn(browser, victim)).url.startsWith(victim.callback), 'sign in')
      await forgetTries(duel)
      duel.othersWork()
      duel.afterwards(() => forgetTries(duel))
      return {
        owner: 'the user signed in',
        attempt: async () => {
          const tries = await wrongTries(duel, victim.tenant, undefined, 54)
          const page = await duel.signIn(browser, victim, { prompt: 'login' })
          return {
            crossed: !page.url.startsWith(victim.callback),
            met: `${tries}, then ${page.status}`,
          }
        },
      }
    },
  ),
]

/** Wrong passwords for the one user of that name, past the pages, from one address or from many. */
async function wrongTries(
  duel: Duel,
  tenant: Duel['victimId'],
  from: string | undefined,
  count: number,
): Promise<string> {
  const { signIn } = duel.plane.mounted.services
  const kinds: { status: number }[] = []
  for (let n = 0; n < count; n += 1) {
    const address = from ?? `172.16.${n}.1`
    const attempt = { tenant, address, id: `proof-${n}` }
    const { kind } = await signIn.password(attempt, 'alice', 'not-the-password-at-all')
    kinds.push({ status: kind === 'wait' ? 429 : 400 })
  }
  return statusesOf(kinds)
}

async function forgetTries(duel: Duel): Promise<void> {
  await duel.plane.identity.parts.database.query('delete from identity.throttle')
}
