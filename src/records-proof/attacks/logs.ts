import { setTimeout } from 'node:timers/promises'
import { logOf } from '../../audit/entry.ts'
import { type Heard } from '../../strikes/wire.ts'
import { CONTEXT_HEADER } from '../../tokens/tenant-context.ts'
import type { Duel } from '../duel.ts'
import { ABSENT, ORIGIN } from '../house/ground.ts'
import type { Party } from '../house/party.ts'
import { attackOf, eachOf, justMet, must, type RecordsAttack, type Staged } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

const read = attackOf('read')
const existence = attackOf('existence')
const AUDIT = '/ringfence/audit'
const LOOKS = 600
const LOOK_MS = 5

/** The owner reads its log, and what is only in it is the attacker's to miss. */
async function ownerReads(duel: Duel): Promise<Staged['owner']> {
  const { victim } = duel
  const context = await duel.context(victim)
  const heard = await duel.ownerSays('tenants', `${AUDIT}/entries?limit=500`, context)
  must(heard.status === 200 && heard.body.includes(victim.entryCanary), 'read its log')
  for (const { leaf_hash } of itemsOf(heard)) duel.secrets.push(leaf_hash)
  const log = logOf(victim.tenant)
  const about = bodyOf(await duel.ownerSays('tenants', AUDIT, context))
  must(about['log'] === log, 'name its log')
  duel.secrets.push(`${ORIGIN}/${log}\n`, `"${log}"`, String(asList(about['keys'])[0]))
  return `the owner read ${itemsOf(heard).length} entries of its log`
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

export function itemsOf(heard: Heard): readonly { index: number; leaf_hash: string }[] {
  return asList(bodyOf(heard)['items']) as { index: number; leaf_hash: string }[]
}

type Targets = readonly (string | readonly [path: string, header: string, value: string])[]

/** The attacker, as its own administrator, asks for all of these. */
function asking(
  id: string,
  title: string,
  targets: (duel: Duel) => Targets | Promise<Targets>,
): RecordsAttack {
  return read(id, title, async (duel) => ({
    owner: await ownerReads(duel),
    attempt: async () => {
      const context = await duel.context(duel.attacker)
      return justMet(
        await eachOf(await targets(duel), (one) =>
          typeof one === 'string'
            ? duel.says('tenants', one, context)
            : duel.says('tenants', one[0], context, { headers: [[one[1], one[2]]] }),
        ),
      )
    },
  }))
}

const names = ({ tenant }: Party) => [tenant, logOf(tenant)]
const READS = ['', '/entries', '/export', '/checkpoint', '/tile/0/000', '/keys']

export const LOGS: readonly RecordsAttack[] = [
  asking('rc-log-named', 'Name another log in the query of every read', ({ victim }) =>
    names(victim).flatMap((name) =>
      ['tenant', 'log', 'tenant_id'].flatMap((field) =>
        ['', '/entries', '/export', '/checkpoint', '/entries/0'].map(
          (path) => `${AUDIT}${path}?${field}=${encodeURIComponent(name)}`,
        ),
      ),
    ),
  ),
  asking('rc-log-header', 'Name another log in a header', ({ victim }) =>
    ['x-tenant-id', 'ringfence-tenant', 'x-forwarded-host', 'x-original-url'].flatMap((header) =>
      ['/entries', '', '/checkpoint'].map(
        (path) => [`${AUDIT}${path}`, header, victim.tenant] as const,
      ),
    ),
  ),
  asking('rc-log-path', 'Name another log in the path, and climb to it', ({ victim }) =>
    names(victim).flatMap((name) =>
      READS.flatMap((path) => [
        `${AUDIT}/${name}${path}`,
        `${AUDIT}/logs/${name}${path}`,
        `${AUDIT}/tile/../${name}${path}`,
        `${AUDIT}//${name}${path}`,
        `/ringfence/${name}/audit${path}`,
      ]),
    ),
  ),
  asking('rc-log-encoded', 'Climb to another log by an encoded path of a tile', ({ victim }) =>
    names(victim).flatMap((name) =>
      ['..%2f', '..%2F..%2F', '%2e%2e%2f', '..%5c', '..%252f'].flatMap((up) =>
        ['checkpoint', 'keys', 'tile/0/000'].map((path) => `${AUDIT}/tile/${up}${name}/${path}`),
      ),
    ),
  ),
  read(
    'rc-log-cached',
    'Fetch tiles and checkpoints that the owner has just fetched',
    async (duel) => {
      const owner = await ownerReads(duel)
      const context = await duel.context(duel.victim)
      const size = await sizeOf(duel, duel.victim)
      const paths = [
        '/checkpoint',
        '/keys',
        ...Array.from({ length: size }, (_, at) => `/tile/0/000.p/${at + 1}`).slice(-3),
        `/tile/entries/000.p/${size}`,
      ]
      const theirs: string[] = []
      for (const path of paths) {
        const heard = await duel.ownerSays('tenants', AUDIT + path, context)
        must(heard.status === 200, `fetch ${path}`)
        theirs.push(heard.body)
      }
      return {
        owner,
        attempt: async () => {
          const own = await duel.context(duel.attacker)
          const heard = await eachOf(paths, (path) => duel.says('tenants', AUDIT + path, own))
          const same = heard.filter(({ body }, at) => body.length > 8 && body === theirs[at])
          return { ...justMet(heard), crossed: same.length > 0 }
        },
      }
    },
  ),
  asking(
    'rc-log-index',
    'Read on where one’s own log ends, by index and by cursor',
    async (duel) => {
      const end = await sizeOf(duel, duel.attacker)
      const indices = Array.from(
        { length: 12 * duel.ground.parties.length },
        (_, at) => end + at - 2,
      )
      return [
        ...indices.map((index) => `${AUDIT}/entries/${index}`),
        ...indices.slice(0, 8).map((at) => `${AUDIT}/entries?order=oldest&cursor=${at}`),
        `${AUDIT}/entries?order=oldest&cursor=999999999999`,
      ]
    },
  ),
  asking('rc-log-cursor', 'Give a cursor that names another log', ({ victim }) =>
    names(victim).flatMap((name) =>
      [`${name}:0`, `${name}/0`, Buffer.from(`${name}:0`).toString('base64url')].flatMap(
        (cursor) => [
          `${AUDIT}/entries?order=oldest&cursor=${encodeURIComponent(cursor)}`,
          [`${AUDIT}/follow`, 'last-event-id', cursor] as const,
        ],
      ),
    ),
  ),
  asking('rc-log-search', 'Look for what only another log holds', ({ victim }) =>
    ['q', 'request_id', 'actor'].flatMap((field) =>
      ['/entries', '/export'].map((path) => `${AUDIT}${path}?${field}=${victim.entryCanary}`),
    ),
  ),
  asking(
    'rc-log-exported',
    'Export in both forms, with filters that let everything through',
    () => [
      `${AUDIT}/export?format=ndjson`,
      `${AUDIT}/export?format=ocsf`,
      `${AUDIT}/export?format=ocsf&since=2000-01-01T00:00:00Z`,
    ],
  ),
  asking('rc-log-of-platform', 'Ask for the platform’s own log', () =>
    ['tenant=platform', 'log=platform', 'tenant='].map((query) => `${AUDIT}/entries?${query}`),
  ),
  read(
    'rc-log-followed',
    'Follow from the beginning, and from another’s last event',
    async (duel) => {
      const owner = await ownerReads(duel)
      const last = (await sizeOf(duel, duel.attacker)) - 1
      return {
        owner,
        attempt: async () => {
          const context = await duel.context(duel.attacker)
          const head = (target: string, more = '') =>
            `GET ${AUDIT}/${target} HTTP/1.1\r\nHost: records.test\r\n${CONTEXT_HEADER}: ${context}\r\n${more}\r\n`
          const streams = [
            duel.plane.follow(duel.wire, head('follow?cursor=0')),
            duel.plane.follow(duel.wire, head('follow', 'Last-Event-ID: 0\r\n')),
          ]
          for (let looks = 0; looks < LOOKS; looks += 1) {
            if (streams.every(({ text, closed }) => closed || text.includes(`id: ${last}\n`))) break
            await setTimeout(LOOK_MS)
          }
          const met = streams.map(({ text }) => text.match(/^event: entry/gm)?.length ?? 0)
          return { crossed: false, met: `${met.join(' and ')} events of its own log` }
        },
      }
    },
  ),
  existence('rc-log-exists', 'Tell by the answer which logs there are', async (duel) => {
    const owner = await ownerReads(duel)
    return {
      owner,
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const targets = (name: string) => [
          `${AUDIT}/${name}/checkpoint`,
          `${AUDIT}/tenant/${name}`,
          `${AUDIT}/entries?tenant=${name}`,
          `/ringfence/billing/invoices?tenant=${name}`,
          `/ringfence/${name}/audit`,
        ]
        const ask = async (name: string) =>
          eachOf(targets(name), (target) => duel.says('tenants', target, context))
        const looks = (heard: readonly Heard[], name: string) =>
          heard.map(({ status, body }) => `${status} ${body.replaceAll(name, '*')}`).join('\n')
        const there = await ask(duel.victim.tenant)
        const absent = await ask(ABSENT)
        const alike = looks(there, duel.victim.tenant) === looks(absent, ABSENT)
        return { crossed: !alike, met: alike ? 'answers that are alike' : 'answers that differ' }
      },
    }
  }),
]

async function sizeOf(duel: Duel, party: Party): Promise<number> {
  const context = await duel.context(party)
  const { body } = await duel.ownerSays('tenants', `${AUDIT}/checkpoint`, context)
  return Number(body.split('\n')[1])
}
