import { randomBytes } from 'node:crypto'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, justMet, noneMay, type RealmAttack } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const write = attackOf('write')
const USER = 'urn:ietf:params:scim:schemas:core:2.0:User'
const GROUP = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const PATCH = 'urn:ietf:params:scim:api:messages:2.0:PatchOp'
const NOBODY = 'AAAAAAAAAAAAAAAAAAAAAA'

type Scim = (method: string, path: string, json?: unknown, more?: Headers) => Promise<Heard>
type Headers = readonly (readonly [string, string])[]

/** Provisioning of one realm with the token of another, or its own. */
export function scim(duel: Duel, by: 'owner' | 'attacker', token: Party, at: Party): Scim {
  return (method, path, json, more = []) => {
    const headers = [
      ['Authorization', `Bearer ${duel.belongings(token).scimToken}`] as const,
      ...more,
    ]
    const what = { headers, ...(json === undefined ? {} : { json }) }
    return by === 'owner'
      ? duel.ownerSays(method, at, `/scim/v2${path}`, what)
      : duel.says(method, at, `/scim/v2${path}`, what)
  }
}

export const PROVISIONING: readonly RealmAttack[] = [
  read('id-scim-token-other-realm', "Provisioning with another realm's token", async (duel) => {
    const { attacker, victim } = duel
    const own = scim(duel, 'owner', victim, victim)
    must((await own('GET', '/Users')).status === 200, 'list its users')
    const theirs = scim(duel, 'attacker', attacker, victim)
    return {
      owner: 'the realm’s directory listed its users',
      attempt: async () =>
        noneMay([
          await theirs('GET', '/Users'),
          await theirs('GET', '/Groups'),
          await theirs('POST', '/Users', { schemas: [USER], userName: 'intruder' }),
          await theirs('GET', '/ServiceProviderConfig'),
        ]),
    }
  }),
  write('id-scim-ids-of-other', 'Users and groups of another realm by their ids', async (duel) => {
    const { attacker, victim } = duel
    const own = scim(duel, 'owner', victim, victim)
    const mine = scim(duel, 'attacker', attacker, attacker)
    const { directory } = duel.plane.identity.parts
    const { subject } = await duel.guest()
    const displayName = `canary-crew-${randomBytes(8).toString('hex')}`
    const group = await directory.createGroup(victim.tenant, { displayName })
    duel.secrets.push(displayName)
    duel.afterwards(() => directory.removeGroup(victim.tenant, group.id).catch(() => undefined))
    const paths = [`/Users/${subject}`, `/Groups/${group.id}`]
    for (const path of paths) must((await own('GET', path)).status === 200, 'read its users')
    const rename = {
      schemas: [PATCH],
      Operations: [{ op: 'replace', value: { displayName: 'x' } }],
    }
    return {
      owner: 'the realm’s directory read its users and groups',
      attempt: async () => {
        const heard: Heard[] = []
        for (const path of paths) {
          heard.push(
            await mine('GET', path),
            await mine('GET', path, undefined, [['If-None-Match', 'W/"1"']]),
            await mine('PATCH', path, rename),
            await mine('PATCH', path, rename, [['If-Match', '*']]),
            await mine('DELETE', path),
          )
        }
        const members = [{ value: subject }]
        const taken = await mine('POST', '/Groups', {
          schemas: [GROUP],
          displayName: 'mine',
          members,
        })
        const made = bodyOf(taken)['id']
        if (typeof made === 'string') await mine('DELETE', `/Groups/${made}`)
        return noneMay([...heard, taken])
      },
    }
  }),
  read('id-scim-exists', 'Whether an id is of another realm, by the answer', async (duel) => {
    const { attacker, victim } = duel
    const mine = scim(duel, 'attacker', attacker, attacker)
    const { subject } = await duel.guest()
    const own = await scim(duel, 'owner', victim, victim)('GET', `/Users/${subject}`)
    must(own.status === 200, 'read its user')
    const telling = ({ status, body }: Heard) => `${status} ${body.replaceAll(subject, NOBODY)}`
    return {
      owner: 'the realm’s directory read its user',
      attempt: async () => {
        const one = await mine('GET', `/Users/${subject}`)
        const other = await mine('GET', `/Users/${NOBODY}`)
        const crossed = telling(one) !== telling(other)
        return { crossed, met: `${one.status} and ${other.status}` }
      },
    }
  }),
  read('id-scim-filter', 'Filters that end the question and begin another', async (duel) => {
    const { attacker, victim } = duel
    const query = (filter: string) => `?filter=${encodeURIComponent(filter)}`
    const own = await scim(
      duel,
      'owner',
      victim,
      victim,
    )('GET', `/Users${query('userName eq "alice"')}`)
    must(own.body.includes(victim.nameCanary), 'find its user by a filter')
    const mine = scim(duel, 'attacker', attacker, attacker)
    return {
      owner: 'the realm’s directory found its user by a filter',
      attempt: async () => {
        const heard: Heard[] = []
        for (const value of [
          `x' or tenant = '${victim.tenant}' or 'x' = '`,
          `x' or a.tenant <> '${attacker.tenant}' or 'x' = '`,
          `x'::text, false) or a.tenant <> '${attacker.tenant}' or ('x' = '`,
          `x') or true --`,
          `%' or true --`,
          `x\\" or tenant pr or \\"`,
        ]) {
          for (const filter of [
            `userName eq "${value}"`,
            `displayName co "${value}"`,
            `userName eq "x" or tenant eq "${victim.tenant}"`,
          ]) {
            heard.push(await mine('GET', `/Users${query(filter)}`))
          }
          heard.push(await mine('GET', `/Groups${query(`displayName eq "${value}"`)}`))
        }
        heard.push(await mine('GET', `/Users?sortBy=${encodeURIComponent('userName; select 1')}`))
        heard.push(await mine('GET', '/Users?startIndex=-5&count=100000'))
        return justMet(heard)
      },
    }
  }),
]
