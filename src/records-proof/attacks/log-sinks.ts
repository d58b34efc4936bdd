import { logOf } from '../../audit/entry.ts'
import type { Outside } from '../../alerts/outside.ts'
import { s3Stream } from '../../records/streams/s3-stream.ts'
import type { Batch, Stream } from '../../records/streams/stream.ts'
import { syslogStream } from '../../records/streams/syslog-stream.ts'
import { webhookStream } from '../../records/streams/webhook-stream.ts'
import type { Duel } from '../duel.ts'
import { entryOf } from '../house/furnish.ts'
import type { Party } from '../house/party.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'
import { insider, SECRETS } from './sinks.ts'

const write = attackOf('write')
const format = 'entries' as const

/** Sinks of logs of all kinds at a place, as a tenant sets them. */
function streamsTo(outside: Outside, host: string, port: string): readonly (() => Stream)[] {
  const [secret] = SECRETS
  if (secret === undefined) throw new Error('no secret')
  const s3 = { kind: 's3', region: 'eu', bucket: 'audit', prefix: '', format } as const
  const keys = { accessKeyId: 'id', secretAccessKey: 'key' }
  return ['https', 'http'].flatMap((scheme) => {
    const place = `${scheme}://${host}:${port}`
    const settings = { kind: 'syslog', host, port: Number(port), format } as const
    return [
      () => webhookStream({ kind: 'webhook', url: `${place}/hook`, format }, secret, outside),
      () => s3Stream({ ...s3, endpoint: place }, keys, outside),
      () => syslogStream({ ...settings, tls: scheme === 'https' }, 'records.test', outside),
    ]
  })
}

function batchOf(party: Party): Batch {
  const entries = [{ index: 0, entry: entryOf(party), leafHash: Buffer.alloc(32) }]
  return { log: logOf(party.tenant), from: 0, to: 1, entries }
}

/** Whether it was taken, by whoever was there. */
async function taken(make: () => Stream, party: Party): Promise<boolean> {
  try {
    return (await make().deliver(batchOf(party))).taken
  } catch {
    return false
  }
}

function reaching(id: string, title: string, hosts: readonly string[]): RecordsAttack {
  return write(id, title, async (duel: Duel) => {
    const { seen, port } = await insider(duel)
    const { platform, tenants } = duel.plane.outside
    const [, , , hook] = streamsTo(platform, '127.0.0.1', port)
    must(hook !== undefined && (await taken(hook, duel.victim)), 'have its own log sent')
    seen.splice(0)
    return {
      owner: 'the operator’s own sink on this machine took a batch',
      attempt: async () => {
        const made = hosts.flatMap((host) => streamsTo(tenants, host, port))
        let count = 0
        for (const make of made) if (await taken(make, duel.attacker)) count += 1
        const met = `${count} of ${made.length} sinks took a batch, ${seen.length} connections came`
        return { crossed: count > 0 || seen.length > 0, met }
      },
    }
  })
}

/** Sinks of logs at places inside of whoever runs the platform: webhooks, buckets and syslog. */
export const LOG_SINKS: readonly RecordsAttack[] = [
  reaching('rc-stream-inside', 'Have a log sent to a place inside, by its address', [
    '127.0.0.1',
    '127.0.0.2',
  ]),
  reaching('rc-stream-spelled', 'Have a log sent to a place inside that is spelled otherwise', [
    'localhost',
    '2130706433',
    '0x7f000001',
    '127.1',
  ]),
  reaching('rc-stream-resolved', 'Have a log sent to a name that leads inside', [
    'siem.example.com',
    'bucket.example.net',
  ]),
]
