import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Duel, typePassword } from '../duel.ts'
import { type Browser, formOf, type Page } from '../house/browser.ts'
import { PARTNER } from '../house/furnish.ts'
import { PASSWORD, PERSON } from '../house/party.ts'
import { attackOf, type RealmAttack, statusesOf } from './attack.ts'

const write = attackOf('write')

const ask = (browser: Browser, party: Duel['victim']) =>
  browser.get(authorizeUrl(party, { client_id: PARTNER, scope: 'openid read', prompt: 'consent' }))

/** What the victim's user has allowed. */
async function grants({ plane, victim }: Duel): Promise<string> {
  const rows = await plane.identity.parts.database.query<{ id: string }>(
    `select id || payload::text as id from identity.artifact
     where tenant = $1 and model = 'Grant' and subject = $2 order by id`,
    [victim.tenant, PERSON],
  )
  return rows.map(({ id }) => id).join('\n')
}

/** Another user of the victim's realm, signed in. */
async function colleague(duel: Duel): Promise<Browser> {
  const { tenant } = duel.victim
  const { subject, name } = await duel.guest()
  await duel.plane.mounted.services.passwords.setFirst(tenant, subject, PASSWORD)
  await duel.plane.identity.parts.database.query(
    'update identity.password set must_change = false where tenant = $1 and subject = $2',
    [tenant, subject],
  )
  // It may see its own name.
  const browser = duel.ownerBrowser()
  const first = await browser.get(authorizeUrl(duel.victim))
  const page = await typePassword(browser, first, PASSWORD, name)
  must(page.url.startsWith(duel.victim.callback), 'have a colleague sign in')
  return browser
}

/** With a consent of one's own that is asked for, to the address of somebody else's. */
async function tries(thief: Browser, own: Page, page: Page): Promise<readonly Page[]> {
  const { action, fields } = formOf(page, '/consent')
  const { fields: mine } = formOf(own, '/consent')
  const seen = await thief.get(page.url)
  const shown = seen.forms.find((form) => form.action.endsWith('/consent'))?.fields ?? {}
  const answer = { answer: 'allow' }
  return [
    seen,
    await thief.post(action, { ...shown, ...answer }),
    await thief.post(action, { ...mine, ...answer }),
    await thief.post(action, { ...fields, ...answer }),
  ]
}

/** Allowing for somebody else what somebody asks for. */
export const CONSENTS: readonly RealmAttack[] = [
  write('id-consent-of-colleague', "A consent that another user's browser gives", async (duel) => {
    const { victim } = duel
    const browser = duel.ownerBrowser()
    await duel.comeBack(browser, victim)
    const given = await browser.submit(await ask(browser, victim), '/consent', { answer: 'allow' })
    must(given.url.includes('code='), 'allow what a partner asks for')
    const thief = await colleague(duel)
    const own = await ask(thief, victim)
    const page = await ask(browser, victim)
    duel.othersWork()
    return {
      owner: 'the user allowed what a partner asked for',
      attempt: async () => {
        const before = await grants(duel)
        const heard = await tries(thief, own, page)
        const changed = before !== (await grants(duel))
        const given = heard.some(
          ({ url, body }) => url.includes('code=') || body.includes(victim.nameCanary),
        )
        return { crossed: changed || given, met: statusesOf(heard) }
      },
    }
  }),
  write('id-consent-other-realm', 'A consent of one realm for another', async (duel) => {
    const { attacker, victim } = duel
    const browser = duel.ownerBrowser()
    await duel.comeBack(browser, victim)
    const given = await browser.submit(await ask(browser, victim), '/consent', { answer: 'allow' })
    must(given.url.includes('code='), 'allow what a partner asks for')
    const page = await ask(browser, victim)
    const thief = duel.browser()
    await duel.comeBack(thief, attacker)
    const own = await ask(thief, attacker)
    duel.othersWork()
    const [from, to] = [new URL(attacker.issuer).pathname, new URL(victim.issuer).pathname]
    return {
      owner: 'the user allowed what a partner asked for',
      attempt: async () => {
        const before = await grants(duel)
        // At the attacker's realm by the victim's address, and there with the attacker's cookies.
        const there = { ...page, url: page.url.replace(to, from), forms: moved(page, to, from) }
        const heard = [...(await tries(thief, own, there))]
        thief.cookies = thief.cookies.map((one) => ({ ...one, path: one.path.replace(from, to) }))
        heard.push(...(await tries(thief, own, page)))
        const changed = before !== (await grants(duel))
        return { crossed: changed, met: statusesOf(heard) }
      },
    }
  }),
]

function moved({ forms }: Page, from: string, to: string): Page['forms'] {
  return forms.map((form) => ({ ...form, action: form.action.replace(from, to) }))
}
