import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { sealConfirmation } from '../../snapshot/seal.ts'
import { signDocument } from '../../tokens/signed-document.ts'
import type { Duel } from '../duel.ts'
import { ACCESS_TYP, accessClaims } from '../house/claims.ts'
import type { Door } from '../house/door.ts'
import { Feed, type FeedChange, type FeedEntry } from '../house/feed.ts'
import { forge, headerOf } from '../../strikes/forge.ts'
import { tenantOf, withTenant } from '../house/settings.ts'
import { type FrontDoorAttack, must, staged, statusesOf } from './attack.ts'
import { bothWays, call, ownerReads } from './calls.ts'

/** Longer than a configuration serves without a word from the control plane. */
const THREE_DAYS_MS = 3 * 86_400_000

/**
 * Somebody has got hold of the control database, or of the way to it, and of a key that the victim's
 * realm used before. The key is good only by a configuration that is not the one in force.
 * @param tamper returns the front door that reads what it has tampered with
 */
function configurationAttack(
  facts: { readonly id: string; readonly title: string },
  prepare: (duel: Duel) => Promise<Door>,
  tamper: (door: Door, duel: Duel) => Promise<readonly Door[]>,
): FrontDoorAttack {
  return staged({ kind: 'read', references: ['JW-10', 'HT-13'], ...facts }, async (duel) => {
    const door = await prepare(duel)
    return {
      owner: `${await ownerReads(duel, door)}, by the configuration that is in force`,
      async attempt() {
        const { victim, wire, mark } = duel
        const token = forge(victim.lost, headerOf(victim.lost, ACCESS_TYP), accessClaims(victim))
        const doors = await tamper(door, duel)
        const heard = await Promise.all(
          doors.flatMap((one) =>
            bothWays(victim).map((way) => call(wire, one, way, mark, { token })),
          ),
        )
        return { crossed: duel.reached, met: `by the lost key: ${statusesOf(heard)}` }
      },
    }
  })
}

/** A front door whose configuration never believed the lost key. */
const sound = (duel: Duel) => duel.branch({})

/** One that believed it in version 1, and does not since version 2. */
async function replaced(duel: Duel, issuedAt: Date = new Date()): Promise<Door> {
  const keys = [duel.victim.lost.publicJwk]
  const settings = withTenant(duel.house.settings, duel.victim, { keys })
  const door = await duel.branch({ settings, issuedAt })
  await door.sees(() => door.feed.publish({ tenants: [tenantOf(duel.victim)], at: issuedAt }))
  return door
}

/** As `replaced`, long ago; a third version since then has made it young again. */
async function replacedLongAgo(duel: Duel): Promise<Door> {
  const door = await replaced(duel, new Date(Date.now() - THREE_DAYS_MS))
  const taken = await door.sees(() => door.feed.publish({ tenants: [tenantOf(duel.attacker)] }))
  must(taken, 'have three versions in force')
  return door
}

/** What would make the lost key good. */
const believing = ({ victim }: Duel): FeedChange => ({
  tenants: [tenantOf(victim, { keys: [victim.realm.publicJwk, victim.lost.publicJwk] })],
})

/** A record that the control plane has not made, at the end of the chain. */
async function append(door: Door, text: string): Promise<readonly Door[]> {
  const [news, refusals] = [door.news, door.troubles.length]
  door.feed.offer([...door.feed.entries, { version: door.version + 1, text }])
  await door.until(() => door.news > news || door.troubles.length > refusals)
  return [door]
}

/** A front door that starts on a database with nothing but these entries in it. */
async function startOn(duel: Duel, entries: readonly FeedEntry[]): Promise<Door> {
  const feed = new Feed(duel.ground.keys.record)
  feed.entries = entries
  return duel.branch({ feed })
}

/** Header, payload as text, and signature. */
function partsOf(token: string): readonly [string, string, string] {
  const [header = '', payload = '', signature = ''] = token.split('.')
  return [header, Buffer.from(payload, 'base64url').toString(), signature]
}

const FORGERIES: readonly FrontDoorAttack[] = [
  configurationAttack(
    {
      id: 'fd-config-forged',
      title: "A record of the configuration that a stranger has signed under the platform's kid",
    },
    sound,
    async (door, duel) => {
      const { record, strangersOther } = duel.ground.keys
      const { text } = await door.feed.seal(believing(duel))
      const header = { alg: 'EdDSA', typ: 'rf-snapshot+jws', kid: record.publicJwk.kid }
      return append(door, forge(strangersOther, header, partsOf(text)[1]))
    },
  ),
  configurationAttack(
    { id: 'fd-config-other-key', title: 'A record that another key of the platform has signed' },
    sound,
    async (door, duel) => {
      const { job } = duel.ground.keys
      return append(door, (await door.feed.seal({ key: job, ...believing(duel) })).text)
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-other-type',
      title: "Another document that the platform's key has signed, as a record",
    },
    sound,
    async (door, duel) => {
      const { text } = await door.feed.seal(believing(duel))
      const said = JSON.parse(partsOf(text)[1]) as Readonly<Record<string, unknown>>
      return append(door, await signDocument(duel.ground.keys.record, 'rf-note+jws', said))
    },
  ),
  configurationAttack(
    { id: 'fd-config-altered', title: 'A genuine record with a key put into it' },
    sound,
    async (door, { victim }) => {
      const { text } = await door.feed.seal({ tenants: [tenantOf(victim)] })
      const [header, payload, signature] = partsOf(text)
      const lost = JSON.stringify(victim.lost.publicJwk)
      const altered = payload.replace('"keys":[', `"keys":[${lost},`)
      return append(door, `${header}.${Buffer.from(altered).toString('base64url')}.${signature}`)
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-base-part',
      title: 'A base of the configuration with a part exchanged, for a process that starts anew',
    },
    sound,
    async (door, duel) => {
      const { settings } = duel.house
      const keys = [duel.victim.lost.publicJwk]
      const believed = withTenant(settings, duel.victim, { keys })
      const feed = new Feed(duel.ground.keys.record)
      const base = await door.feed.sealBase(settings)
      feed.base = { ...base, parts: [JSON.stringify(believed.tenants)] }
      return [await duel.branch({ feed })]
    },
  ),
]

const HISTORY: readonly FrontDoorAttack[] = [
  configurationAttack(
    {
      id: 'fd-config-put-back',
      title: 'An old record that believed a key, put at the end of the chain',
    },
    replaced,
    (door) => append(door, door.feed.entries[0]?.text ?? ''),
  ),
  configurationAttack(
    {
      id: 'fd-config-rolled-back',
      title: 'The database set back to before a key was replaced',
    },
    replaced,
    async (door) => {
      const [news, refusals] = [door.news, door.troubles.length]
      door.feed.offer(door.feed.entries.slice(0, 1))
      await door.until(() => door.news > news || door.troubles.length > refusals)
      return [door]
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-rolled-back-restart',
      title: 'Database and file set back to before a key was replaced, and the process restarted',
    },
    async (duel) => {
      const keys = [duel.victim.lost.publicJwk]
      const settings = withTenant(duel.house.settings, duel.victim, { keys })
      const first = await duel.branch({ settings })
      await first.stop()
      await copyFile(fileOf(first), `${fileOf(first)}.old`)
      const door = await duel.branch({ feed: first.feed, directory: first.directory })
      must(
        await door.sees(() => door.feed.publish({ tenants: [tenantOf(duel.victim)] })),
        'replace its key',
      )
      return door
    },
    async (door, duel) => {
      await door.stop()
      await copyFile(`${fileOf(door)}.old`, fileOf(door))
      const feed = new Feed(duel.ground.keys.record)
      feed.entries = door.feed.entries.slice(0, 1)
      return [await duel.branch({ feed, directory: door.directory })]
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-left-out',
      title: 'The record left out that replaced a key, and the one after it delivered',
    },
    replacedLongAgo,
    async (door, duel) => {
      const [first, , third] = door.feed.entries
      must(first !== undefined && third !== undefined, 'have three records')
      const other = await startOn(duel, [first])
      await other.sees(() => {
        other.feed.offer([first, third])
        return third.version
      })
      return [other]
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-fork',
      title: 'Other records under the numbers of those that are in force already',
    },
    replaced,
    async (door, duel) => {
      const feed = new Feed(duel.ground.keys.record)
      feed.entries = door.feed.entries.slice(0, 1)
      await feed.publish(believing(duel))
      await feed.publish({ tenants: [tenantOf(duel.attacker)] })
      await door.sees(() => {
        door.feed.offer(feed.entries)
        return 3
      })
      return [door]
    },
  ),
  configurationAttack(
    {
      id: 'fd-config-stale',
      title: 'News held back, until what is in force is older than it may be',
    },
    replacedLongAgo,
    async (door, duel) => [await startOn(duel, door.feed.entries.slice(0, 1))],
  ),
  configurationAttack(
    {
      id: 'fd-config-confirmed-falsely',
      title:
        "An old configuration with a stranger's word that it is in force, or another version's",
    },
    replacedLongAgo,
    async (door, duel) => {
      const [first] = door.feed.entries
      const { record, strangersOther } = duel.ground.keys
      const { confirmation } = await confirmed(door)
      must(first !== undefined && confirmation !== undefined, 'have a confirmed version')
      const word = JSON.parse(partsOf(confirmation)[1]) as { readonly hash: string }
      const strangers = await sealConfirmation(strangersOther, {
        version: first.version,
        hash: word.hash,
        at: new Date().toISOString(),
      })
      const header = {
        alg: 'EdDSA',
        typ: 'rf-snapshot-confirmation+jws',
        kid: record.publicJwk.kid,
      }
      const words = [confirmation, forge(strangersOther, header, partsOf(strangers)[1])]
      return Promise.all(
        words.map(async (said) => {
          const other = await startOn(duel, [first])
          other.feed.confirmation = said
          other.feed.tell()
          await other.until(() => other.troubles.length > 0 || other.version > 0)
          return other
        }),
      )
    },
  ),
]

async function confirmed({ feed }: Door): Promise<Feed> {
  await feed.confirm(new Date())
  return feed
}

const fileOf = (door: Door) => join(door.configurationDirectory, 'snapshot.log')

/** A configuration that is not the one in force. */
export const CONFIGURATION: readonly FrontDoorAttack[] = [...FORGERIES, ...HISTORY]
