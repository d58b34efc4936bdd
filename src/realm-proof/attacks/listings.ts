import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import { attackOf, noneMay, type RealmAttack, statusesOf } from './attack.ts'
import { PATCH, scim } from './provisioning.ts'
import { bodyOf, headerOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
const SEARCH = 'urn:ietf:params:scim:api:messages:2.0:SearchRequest'

/** How many the attacker has. */
async function count(duel: Duel, table: string): Promise<number> {
  const { database } = duel.plane.identity.parts
  const [row] = await database.query<{ n: number }>(
    `select count(*)::int as n from identity.${table} where tenant = $1`,
    [duel.attacker.tenant],
  )
  return row?.n ?? 0
}

/** Pages of lists, and tags of what is in them. */
export const LISTINGS: readonly RealmAttack[] = [
  read(
    'id-scim-pages',
    "Pages of one's own lists that go on into another realm's",
    async (duel) => {
      const { attacker, victim } = duel
      const own = await scim(duel, 'owner', victim, victim)('GET', '/Users?startIndex=1&count=1')
      must(Number(bodyOf(own)['totalResults']) >= 1, 'list its users page by page')
      const mine = scim(duel, 'attacker', attacker, attacker)
      const [users, groups] = [await count(duel, 'account'), await count(duel, 'user_group')]
      return {
        owner: 'the realm’s directory listed its users page by page',
        attempt: async () => {
          const heard: (readonly [most: number, heard: Heard])[] = []
          for (const [path, most] of [
            ['/Users', users],
            ['/Groups', groups],
          ] as const) {
            for (const query of [
              'startIndex=1&count=200',
              `startIndex=${most + 1}&count=200`,
              `startIndex=${most}&count=2`,
              'startIndex=0&count=999999999',
              'sortBy=id&sortOrder=descending&count=200',
              `sortBy=id&startIndex=${most + 1}`,
              'filter=id%20pr&count=200',
              `count=1&cursor=${encodeURIComponent(victim.tenant)}`,
            ]) {
              heard.push([most, await mine('GET', `${path}?${query}`)])
            }
            const search = { schemas: [SEARCH], startIndex: most, count: 200 }
            heard.push([most, await mine('POST', `${path}/.search`, search)])
          }
          const more = heard.filter(([most, one]) => Number(bodyOf(one)['totalResults']) > most)
          return {
            crossed: more.length > 0,
            met: `${statusesOf(heard.map(([, one]) => one))}, ${more.length} count more than there are`,
          }
        },
      }
    },
  ),
  write('id-scim-tags', "Another realm's users and groups by their ids and tags", async (duel) => {
    const { attacker, victim } = duel
    const own = scim(duel, 'owner', victim, victim)
    const mine = scim(duel, 'attacker', attacker, attacker)
    const { subject } = await duel.guest()
    const tagged: (readonly [path: string, tag: string])[] = []
    for (const path of [`/Users/${subject}`, `/Groups/${duel.belongings(victim).groupId}`]) {
      const tag = headerOf(await own('GET', path), 'etag')
      const again = await own('GET', path, undefined, [['If-None-Match', tag]])
      must(tag !== '' && again.status === 304, 'ask whether something has changed')
      tagged.push([path, tag])
    }
    const rename = {
      schemas: [PATCH],
      Operations: [{ op: 'replace', value: { displayName: 'x' } }],
    }
    return {
      owner: 'the realm’s directory asked whether something has changed',
      attempt: async () => {
        const heard: Heard[] = []
        for (const [path, tag] of tagged) {
          heard.push(
            await mine('GET', path, undefined, [['If-None-Match', tag]]),
            await mine('GET', path, undefined, [['If-Match', tag]]),
            await mine('PATCH', path, rename, [['If-Match', tag]]),
            await mine('DELETE', path, undefined, [['If-Match', tag]]),
          )
        }
        // Whether a tag is right must not be told either.
        const told = heard.some(({ status }) => status !== 404)
        return { ...noneMay(heard), crossed: told }
      },
    }
  }),
]
