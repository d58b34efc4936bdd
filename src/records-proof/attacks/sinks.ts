import { createServer } from 'node:http'
import { MemoryAlertStore } from '../../alerts/memory-alert-store.ts'
import { Alerts } from '../../alerts/open-alerts.ts'
import { ownerOf } from '../../alerts/alert.ts'
import type { AlertSink } from '../../alerts/alert-sink.ts'
import type { Notice } from '../../alerts/notice.ts'
import type { Outside } from '../../alerts/outside.ts'
import { webhookSink } from '../../alerts/webhook-sink.ts'
import { listenWith } from '../../http/listen.ts'
import { parseWebhookSecret } from '../../http/standard-webhooks.ts'
import type { Duel } from '../duel.ts'
import type { Party } from '../house/party.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'

const write = attackOf('write')
const read = attackOf('read')
export const SECRETS = [parseWebhookSecret(`whsec_${Buffer.alloc(32, 7).toString('base64')}`)]
const AT_ONCE = { groupWaitMs: 0, groupIntervalMs: 0, repeatMs: 1_000 } as const
const WHO = 'pager'
/** Places inside of whoever runs the platform. */
const NEVER = [
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  'https://192.168.0.1/',
  'https://[fd00::1]/',
  'https://[fe80::1]/',
  'https://0.0.0.0/',
]

/** A server that only this machine reaches. It counts who comes. */
export async function insider(duel: Duel) {
  const seen: string[] = []
  const server = createServer((request, response) => {
    seen.push(request.url ?? '')
    response.writeHead(204).end()
  })
  server.on('connection', () => seen.push('a connection'))
  const listening = await listenWith(server, { host: '127.0.0.1', port: 0 })
  duel.afterwards(() => listening.close())
  return { seen, port: new URL(listening.url).port }
}

function noticeOf({ tenant, usageCanary }: Party): Notice {
  const at = new Date().toISOString()
  return {
    id: crypto.randomUUID(),
    owner: ownerOf(tenant),
    name: 'budget-spent',
    at,
    severity: 'warning',
    firing: [
      { fingerprint: 'f', severity: 'warning', labels: {}, summary: usageCanary, since: at },
    ],
    resolved: [],
    more: 0,
    repeated: false,
  }
}

/** One notice to an address. @returns whether it was delivered */
async function told(outside: Outside, party: Party, url: string): Promise<boolean> {
  try {
    const owner = ownerOf(party.tenant)
    const sink = webhookSink({ owner, name: WHO, url, secrets: SECRETS, outside })
    await sink.deliver(noticeOf(party))
    return true
  } catch {
    return false
  }
}

/** Whether a sink may be made for an address at all. */
function isMade(outside: Outside, { tenant }: Party, url: string): boolean {
  try {
    webhookSink({ owner: ownerOf(tenant), name: WHO, url, secrets: SECRETS, outside })
    return true
  } catch {
    return false
  }
}

function reaching(
  id: string,
  title: string,
  addresses: (port: string) => readonly string[],
): RecordsAttack {
  return write(id, title, async (duel) => {
    const { seen, port } = await insider(duel)
    const { platform, tenants } = duel.plane.outside
    const came = await told(platform, duel.victim, `http://127.0.0.1:${port}/operators`)
    must(came && seen.includes('/operators'), 'have its own webhook told')
    seen.splice(0)
    return {
      owner: 'the operator’s own webhook on this machine was told',
      attempt: async () => {
        const urls = addresses(port)
        let taken = 0
        for (const url of urls) if (await told(tenants, duel.attacker, url)) taken += 1
        // Nobody is told there, whatever comes of it: it may be somebody's.
        const made = NEVER.filter((url) => isMade(tenants, duel.attacker, url)).length
        const crossed = taken + made > 0 || seen.length > 0
        const met = `${taken} of ${urls.length} addresses were told, ${made} more could have been`
        return { crossed, met }
      },
    }
  })
}

/** Sinks of one name, each with what it was told. */
function sinksOf(parties: readonly Party[]) {
  return parties.map(({ tenant }) => {
    const told: Notice[] = []
    const sink: AlertSink = {
      owner: ownerOf(tenant),
      name: WHO,
      deliver: async (notice) => void told.push(notice),
    }
    return { sink, told }
  })
}

export const SINKS: readonly RecordsAttack[] = [
  reaching('rc-sink-inside', 'Have alerts told to a place inside, by its address', (port) => [
    `https://127.0.0.1:${port}/`,
    `http://127.0.0.1:${port}/`,
    `http://127.0.0.2:${port}/`,
  ]),
  reaching(
    'rc-sink-spelled',
    'Have alerts told to a place inside that is spelled otherwise',
    (port) => [
      `http://localhost:${port}/`,
      `http://2130706433:${port}/`,
      `http://0x7f000001:${port}/`,
      `http://127.1:${port}/`,
      `http://0177.0.0.1:${port}/`,
      `http://[::ffff:127.0.0.1]:${port}/`,
      `https://localhost:${port}/`,
      `https://[::ffff:7f00:1]:${port}/`,
      `https://user@127.0.0.1:${port}/`,
    ],
  ),
  reaching('rc-sink-resolved', 'Have alerts told to a name that leads inside', (port) => [
    `https://alerts.example.com:${port}/`,
    `https://hooks.example.net:${port}/`,
    `http://hooks.example.net:${port}/`,
  ]),
  read(
    'rc-sink-name',
    'Have another tenant’s alerts told to a sink of the same name',
    async (duel) => {
      const { attacker, victim, plane } = duel
      const [theirs, own] = sinksOf([victim, attacker])
      if (theirs === undefined || own === undefined) throw new Error('no sinks')
      const sinks = plane.pieces.sinks([own.sink, theirs.sink])
      const alerts = await Alerts.open({
        store: new MemoryAlertStore(),
        sinks: () => sinks,
        times: AT_ONCE,
        log: () => undefined,
      })
      duel.afterwards(() => alerts.close())
      const say = async ({ tenant, usageCanary }: Party) => {
        const at = new Date()
        const { name } = noticeOf(victim)
        const signal = { name, tenant, severity: 'warning', state: 'firing', at } as const
        await alerts.signal({ ...signal, summary: usageCanary })
        await alerts.look()
        await alerts.deliver()
      }
      await say(attacker)
      must(own.told.length > 0, 'be told of its own alert')
      own.told.splice(0)
      return {
        owner: 'each was told of its own alerts',
        attempt: async () => {
          await say(victim)
          const crossed = own.told.some(({ owner }) => owner === ownerOf(victim.tenant))
          const met = `${own.told.length} notices to its sink, ${theirs.told.length} to the owner’s`
          return { crossed: crossed || theirs.told.length !== 1, met }
        },
      }
    },
  ),
]
