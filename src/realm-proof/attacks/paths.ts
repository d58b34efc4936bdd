import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import { authorizeUrl, basic, type Duel } from '../duel.ts'
import { type Browser, locationOf } from '../house/browser.ts'
import { APP } from '../house/furnish.ts'
import { BASE } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { attackOf, type RealmAttack, statusesOf } from './attack.ts'

const read = attackOf('read')
const METADATA = '/.well-known/openid-configuration'
const own = { grant_type: 'client_credentials', scope: 'read' }

/** Where a realm is, below the origin. */
type Place = string

/** What somebody with a client, a token and a session of one realm asks of a place. */
async function asked(duel: Duel, browser: Browser, place: Place): Promise<readonly Heard[]> {
  const { appSecret, scimToken } = duel.belongings(duel.attacker)
  const ask = (method: string, path: string, what = {}) =>
    duel.plane.ask(duel.wire, method, `${place}${path}`, what)
  const cookie = browser.cookiesFor(new URL(duel.attacker.issuer).pathname)
  const code = authorizeUrl(duel.victim, { prompt: 'none' }).slice(duel.victim.issuer.length)
  return [
    await ask('GET', METADATA),
    await ask('POST', '/token', { form: own, headers: [basic(APP, appSecret)] }),
    await ask('GET', '/scim/v2/Users', { headers: [['Authorization', `Bearer ${scimToken}`]] }),
    await ask('GET', '/account', { headers: [['Cookie', cookie]] }),
    await ask('GET', code, { headers: [['Cookie', cookie]] }),
  ]
}

/** An answer by which somebody in the place of the victim's realm has shown itself, or opened. */
function isOpen({ victim }: Duel, heard: Heard): boolean {
  const opened = heard.status === 200 || locationOf(heard)?.includes('code=') === true
  return opened || heard.body.includes(`"${victim.issuer}"`)
}

function places(
  id: string,
  title: string,
  spell: (attacker: Party, victim: Party) => readonly Place[],
): RealmAttack {
  return read(id, title, async (duel) => {
    const { attacker, victim } = duel
    const good = await duel.ownerSays('GET', victim, METADATA)
    must(good.body.includes(`"${victim.issuer}"`), 'read what its realm says of itself')
    const browser = duel.browser()
    const { url } = await duel.comeBack(browser, attacker)
    must(url.startsWith(attacker.callback), 'sign in')
    duel.othersWork()
    return {
      owner: 'a client read at its place what the realm says of itself',
      attempt: async () => {
        const heard: Heard[] = []
        for (const place of spell(attacker, victim)) {
          heard.push(...(await asked(duel, browser, place)))
        }
        const crossed = heard.some((one) => isOpen(duel, one))
        return { crossed, met: statusesOf(heard) }
      },
    }
  })
}

const pathOf = ({ issuer }: Party) => issuer.slice(BASE.length)
/** The first letter as nobody writes it. */
const escaped = (name: string) => `%${name.charCodeAt(0).toString(16)}${name.slice(1)}`

/** Requests to places that a client, a proxy and a realm may read in different ways. */
export const PATHS: readonly RealmAttack[] = [
  places('id-path-climbs', 'From the place of one realm up, and down to another', (from, to) => [
    `${pathOf(from)}/../${to.tenant}`,
    `${pathOf(from)}/./../${to.tenant}`,
    `/realms/./${to.tenant}`,
    `${pathOf(from)}/..\\${to.tenant}`,
    `${pathOf(from)}/x/../../${to.tenant}`,
  ]),
  places('id-path-escaped', 'The same, with dots and slashes in other letters', (from, to) => [
    `${pathOf(from)}/%2e%2e/${to.tenant}`,
    `${pathOf(from)}/%2E./${to.tenant}`,
    `${pathOf(from)}%2f..%2f${to.tenant}`,
    `${pathOf(from)}%2f%2e%2e%2f${to.tenant}`,
    `${pathOf(from)}%252f..%252f${to.tenant}`,
    `/realms%2f${to.tenant}`,
    `/realms/${escaped(to.tenant)}`,
  ]),
  places('id-path-slashes', 'A realm behind more slashes than one', (_from, to) => [
    `/realms//${to.tenant}`,
    `//realms/${to.tenant}`,
    `/realms///${to.tenant}`,
    `/realms/${to.tenant}/`,
  ]),
  places('id-path-case', 'A realm in other letters than its own', (_from, to) => [
    `/realms/${to.tenant.toUpperCase()}`,
    `/REALMS/${to.tenant}`,
    `/realms/${to.tenant[0]?.toUpperCase()}${to.tenant.slice(1)}`,
  ]),
  places('id-path-parameters', 'A realm with something behind its name', (from, to) => [
    `/realms/${to.tenant};${from.tenant}`,
    `${pathOf(from)};/../${to.tenant}`,
    `/realms/${to.tenant};jsessionid=x`,
    `/realms/${to.tenant}.`,
    `/realms/${to.tenant}%00`,
    `/realms/${to.tenant}%20`,
    `/realms/${to.tenant}%09`,
    `/realms/${to.tenant}#`,
  ]),
]
