import { logOf } from '../../audit/entry.ts'
import type { Duel } from '../duel.ts'
import { OUTSIDE } from '../house/furnish-outside.ts'
import { newSecrets } from '../house/secrets.ts'
import { inboxMoved } from '../house/settled.ts'
import { attackOf, must, type RecordsAttack } from './attack.ts'
import { ALERT_SINKS_AT, LOG_SINKS_AT, putBackAfter, sending } from './sink-tools.ts'

const read = attackOf('read')
/** Among so many of a log's last entries are those of one strike. */
const NEWEST = 40
type Secrets = ReturnType<typeof newSecrets>

/** A sink of each kind that is reached by a secret. */
function sinksWith({ secret, secretAccessKey, routingKey, authorization }: Secrets) {
  const bucket = { kind: 's3', endpoint: OUTSIDE, region: 'eu', bucket: 'audit-log' }
  return [
    [`${LOG_SINKS_AT}/hook`, { kind: 'webhook', url: `${OUTSIDE}/a`, secret }],
    [`${LOG_SINKS_AT}/bucket`, { ...bucket, accessKeyId: 'id', secretAccessKey }],
    [`${ALERT_SINKS_AT}/hook`, { kind: 'webhook', url: `${OUTSIDE}/b`, secrets: [secret] }],
    [`${ALERT_SINKS_AT}/duty`, { kind: 'pagerduty', routingKey }],
    [`${ALERT_SINKS_AT}/desk`, { kind: 'servicenow', instance: OUTSIDE, authorization }],
  ] as const
}

/** The same with something amiss: what is refused is told of, and the secret is in it. */
function wrongly(sink: Readonly<Record<string, unknown>>): readonly string[] {
  const text = JSON.stringify({ sink })
  return [
    JSON.stringify({ sink: { ...sink, nobody_knows: 1 } }),
    JSON.stringify({ sink: { ...sink, kind: 'mail', to: Object.values(sink) } }),
    JSON.stringify({ sink: { ...sink, url: 7, endpoint: 7, instance: 7, region: 'nowhere!' } }),
    JSON.stringify({ sink: Object.fromEntries(Object.entries(sink).map(([a, b]) => [b, a])) }),
    JSON.stringify({ sink, from: Object.values(sink) }),
    text.slice(0, -3),
    `[${text}`,
  ]
}

/** In whatever clothes it goes. */
function isIn(text: string, secret: string): boolean {
  const bytes = Buffer.from(secret)
  const forms = [secret, bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, '')]
  return forms.some((form) => text.includes(form))
}

/** What the tenant's people, its auditors and whoever keeps the database get to read. */
async function readBack(duel: Duel): Promise<readonly (readonly [where: string, text: string])[]> {
  const { site } = duel.plane
  const context = await duel.context(duel.victim)
  const told: (readonly [string, string])[] = []
  const paths = [LOG_SINKS_AT, ALERT_SINKS_AT, '/ringfence/audit/export']
  const each = sinksWith(newSecrets()).map(([target]) => target)
  for (const path of [...paths, ...each]) {
    const { body, headers } = await duel.ownerSays('tenants', path, context)
    told.push([path, JSON.stringify(headers) + body])
  }
  const rows = await site.admin.query<{ text: string }>(
    `select concat(s::text, encode(secrets, 'escape')) as text from records.stream_sink s
     union all select concat(s::text, encode(secrets, 'escape')) from alerts.sink s`,
  )
  told.push(['the database', rows.map(({ text }) => text).join('\n')])
  return told
}

/** The newest entries of the owner's log, whether or not they are signed yet. */
async function enteredLast({ plane, victim }: Duel): Promise<string> {
  const { admin, logs } = plane.site
  const log = logOf(victim.tenant)
  const [row] = await admin.query<{ size: number }>(
    'select count(*)::int as size from records.log_entry where log = $1',
    [log],
  )
  const size = row?.size ?? 0
  return JSON.stringify(await logs.read(log, Math.max(0, size - NEWEST), NEWEST))
}

export const SINK_SECRETS: readonly RecordsAttack[] = [
  read(
    'rc-told-secret',
    'Read back by what a sink is reached, wherever it may be told',
    async (duel) => {
      const { site } = duel.plane
      putBackAfter(duel)
      const secrets = newSecrets()
      const sinks = sinksWith(secrets)
      const context = await duel.context(duel.victim)
      const told: (readonly [where: string, text: string])[] = []
      const logged = site.logged.length
      for (const [target, sink] of sinks) {
        const heard = await duel.ownerSays('tenants', target, context, sending({ sink }))
        must(heard.status === 200, `set ${target}`)
        told.push(['an answer', JSON.stringify(heard.headers) + heard.body])
      }
      await inboxMoved(site)
      return {
        owner: `the owner set ${sinks.length} sinks with secrets`,
        attempt: async () => {
          for (const [target, sink] of sinks) {
            for (const body of wrongly(sink)) {
              const heard = await duel.ownerSays('tenants', target, context, sending(body))
              must(heard.status >= 400, 'be refused what is no sink')
              told.push(['an error', JSON.stringify(heard.headers) + heard.body])
            }
          }
          const entered = await enteredLast(duel)
          must(entered.includes('"id":"desk"'), 'read what was entered of its sinks')
          const lines = site.logged.slice(logged).join('\n')
          told.push(...(await readBack(duel)), ['an entry', entered], ['a log line', lines])
          const where = told.filter(([, text]) => secrets.hidden.some((one) => isIn(text, one)))
          const met =
            where.length === 0 ? `${told.length} places without it` : `in ${where[0]?.[0]}`
          return { crossed: where.length > 0, met }
        },
      }
    },
  ),
]
