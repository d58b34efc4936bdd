import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { Application, type Begun } from '../house/application.ts'
import type { Browser } from '../house/browser.ts'
import { attackOf, type RealmAttack } from './attack.ts'

const write = attackOf('write')

/** The victim's user signs in at the victim's application. */
async function ownApplication(duel: Duel) {
  const application = await Application.open(duel, duel.victim)
  const begun = await application.begin()
  const browser = duel.ownerBrowser()
  await duel.comeBack(browser, duel.victim)
  must(await application.back(await comesBack(browser, begun), begun), 'sign its user in')
  duel.othersWork()
  return { application, browser }
}

/** Where a browser that is signed in is sent back to. */
async function comesBack(browser: Browser, { url }: Begun): Promise<string> {
  const back = (await browser.get(url)).url
  must(new URL(back).searchParams.has('code'), 'be sent back with a code')
  return back
}

const changed = (url: string, change: (query: URLSearchParams) => void) => {
  const address = new URL(url)
  change(address.searchParams)
  return address
}

/** Answers to a sign-in that are put into another. */
export const APPLICATIONS: readonly RealmAttack[] = [
  write(
    'id-code-injected',
    'A code that is put into the sign-in of somebody else',
    async (duel) => {
      const { application, browser } = await ownApplication(duel)
      return {
        owner: 'the application signed its user in',
        attempt: async () => {
          let taken = 0
          const into = async (change: (query: URLSearchParams, pending: Begun) => void) => {
            const [stolen, pending] = [await application.begin(), await application.begin()]
            const back = await comesBack(browser, stolen)
            const put = changed(back, (query) => change(query, pending))
            if (await application.back(put, pending)) taken += 1
          }
          await into((query, { state }) => query.set('state', state))
          await into(() => undefined)
          await into((query) => query.delete('state'))
          return { crossed: taken > 0, met: `${taken} of 3 sign-ins took it` }
        },
      }
    },
  ),
  write(
    'id-mix-up-application',
    "A code of one realm in the callback of another realm's sign-in",
    async (duel) => {
      const { application } = await ownApplication(duel)
      const theirs = await Application.open(duel, duel.attacker)
      const browser = duel.browser()
      await duel.comeBack(browser, duel.attacker)
      return {
        owner: 'the application signed its user in',
        attempt: async () => {
          const before = application.sent.length
          for (const change of [
            (query: URLSearchParams, { state }: Begun) => query.set('state', state),
            (query: URLSearchParams, { state }: Begun) => {
              query.set('state', state)
              query.append('iss', duel.victim.issuer)
            },
          ]) {
            const [stolen, pending] = [await theirs.begin(), await application.begin()]
            const back = await comesBack(browser, stolen)
            await application.back(
              changed(back, (query) => change(query, pending)),
              pending,
            )
          }
          const away = application.sent.length - before
          return { crossed: away > 0, met: `${away} of 2 codes went to a realm that is not theirs` }
        },
      }
    },
  ),
]
