import { randomUUID } from 'node:crypto'
import { forge, forgeUnsigned, forgeWithSecret, headerOf, seconds } from '../../strikes/forge.ts'
import { must } from '../../strikes/staged-attack.ts'
import { authorizeUrl, type Duel } from '../duel.ts'
import { type Browser, locationOf } from '../house/browser.ts'
import type { Party } from '../house/party.ts'
import { lastSession, ToldApplication } from '../house/told-application.ts'
import { saidIn } from './actors.ts'
import { attackOf, type RealmAttack } from './attack.ts'

const write = attackOf('write')
const disturb = attackOf('disturbance')
const TYP = 'logout+jwt'

/** A user signs in, and its session ends. @returns the token by which the application is told */
async function loggedOut(duel: Duel, application: ToldApplication, party: Party): Promise<string> {
  must(await application.signIn(duel.ownerBrowser(), party), 'sign in')
  const { id } = await lastSession(duel, party.tenant)
  const { sessionAdministration } = duel.plane.identity.parts
  return application.told(() => sessionAdministration.endSession(party.tenant, id))
}

async function isSignedIn(browser: Browser, party: Party): Promise<boolean> {
  const page = await browser.once('GET', authorizeUrl(party, { prompt: 'none' }))
  return locationOf(page)?.includes('code=') === true
}

/** Signing others out. */
export const LOGOUTS: readonly RealmAttack[] = [
  write(
    'id-logout-token-other-realm',
    "Another realm's word that a session is over, at an application",
    async (duel) => {
      const { attacker, victim } = duel
      const application = await ToldApplication.open(duel, [attacker, victim])
      const good = await loggedOut(duel, application, victim)
      must(await application.takes(good, victim), 'be told that a session is over')
      const theirs = await loggedOut(duel, application, attacker)
      const { keys } = duel.plane.identity.parts
      const [own, victims] = [
        await keys.signing(attacker.tenant),
        await keys.signing(victim.tenant),
      ]
      const { kid } = victims.publicJwk
      const { stranger } = duel.ground.keys
      const claims = { ...saidIn(good), jti: randomUUID(), iat: seconds(), exp: seconds() + 60 }
      const { id_token } = await duel.tokens(victim)
      duel.othersWork()
      return {
        owner: 'the application was told by its realm that a session is over',
        attempt: async () => {
          const tokens = [
            theirs,
            forge(own, headerOf(own, TYP), claims),
            forge(stranger, { alg: 'ES256', typ: TYP, kid }, claims),
            forge(stranger, { alg: 'ES256', typ: TYP, jwk: stranger.publicJwk }, claims),
            forgeUnsigned({ alg: 'none', typ: TYP, kid }, claims),
            forgeWithSecret(JSON.stringify(victims.publicJwk), { alg: 'HS256', typ: TYP }, claims),
            id_token,
          ]
          let taken = 0
          for (const token of tokens) if (await application.takes(token, victim)) taken += 1
          return { crossed: taken > 0, met: `${taken} of ${tokens.length} were taken` }
        },
      }
    },
  ),
  disturb(
    'id-logout-of-others',
    'Ending sessions of another realm by their names',
    async (duel) => {
      const { attacker, victim } = duel
      const application = await ToldApplication.open(duel, [victim])
      await loggedOut(duel, application, victim)
      const user = duel.ownerBrowser()
      must(await application.signIn(user, victim), 'stay signed in')
      const names = Object.values(await lastSession(duel, victim.tenant))
      const { id_token } = await duel.tokens(victim, {}, duel.ownerBrowser())
      const mine = duel.browser()
      await duel.comeBack(mine, attacker)
      const { sessionAdministration } = duel.plane.identity.parts
      duel.othersWork()
      return {
        owner: 'the application was told by its realm that a session is over',
        attempt: async () => {
          const told = application.tokens.length
          const [form] = (await mine.get(`${attacker.issuer}/account`)).forms
          for (const name of names) {
            await sessionAdministration.endSession(attacker.tenant, name)
            await mine.post(`${attacker.issuer}/account/sessions/end`, {
              ...form?.fields,
              id: name,
            })
            await mine.get(`${attacker.issuer}/session/end?sid=${name}&logout_hint=${name}`)
          }
          await mine.get(`${attacker.issuer}/session/end?id_token_hint=${id_token}`)
          await mine.post(`${attacker.issuer}/session/end/confirm`, {
            logout: 'yes',
            sid: names.join(),
          })
          const still = await isSignedIn(user, victim)
          const more = application.tokens.length - told
          const met = `${still ? 'still' : 'not'} signed in, and ${more} times told`
          return { crossed: !still || more > 0, met }
        },
      }
    },
  ),
]
