import { ownerOf } from '../../alerts/alert.ts'
import { parseGrantId, parseSubject } from '../../core/names.ts'
import type { Heard } from '../../strikes/wire.ts'
import type { Ask, Duel } from '../duel.ts'
import { OUTSIDE, SINK } from '../house/furnish-outside.ts'
import { newSecrets } from '../house/secrets.ts'
import { attackOf, eachOf, justMet, noneMay, type RecordsAttack } from './attack.ts'
import {
  ALERT_SINKS_AT,
  ALERTS_AT,
  LOG_SINKS_AT,
  ownerIsTold,
  ownerSets,
  putBackAfter,
  sending,
  TOLD_AT,
} from './sink-tools.ts'

const read = attackOf('read')
const write = attackOf('write')

const webhook = (url: string) => ({ kind: 'webhook', url, secret: newSecrets().secret })
const hook = (url: string) => ({ kind: 'webhook', url, secrets: [newSecrets().secret] })

/** Ways to say that a request is about another tenant. */
function naming({ victim }: Duel): readonly (readonly [query: string, more: Ask])[] {
  const { tenant } = victim
  return [
    ...['tenant', 'owner'].flatMap((field) =>
      [tenant, ownerOf(tenant)].map(
        (name) => [`?${field}=${encodeURIComponent(name)}`, {}] as const,
      ),
    ),
    ...['x-tenant-id', 'ringfence-tenant'].map(
      (header) => ['', { headers: [[header, tenant] as const] }] as const,
    ),
  ]
}

/** Paths below which another tenant’s sinks might be. */
function below({ victim }: Duel): readonly string[] {
  const { tenant } = victim
  return [LOG_SINKS_AT, ALERTS_AT, ALERT_SINKS_AT].flatMap((path) => [
    `${path}/${tenant}/${SINK}`,
    `${path}/tenant%2f${tenant}`,
    `${path}/..%2f${tenant}%2f${SINK}`,
    `/ringfence/${tenant}${path.slice('/ringfence'.length)}/${SINK}`,
  ])
}

/** Places inside of whoever runs the platform, and what may not be a place. */
const NEVER = [
  'https://127.0.0.1/',
  'https://localhost/',
  'https://2130706433/',
  'https://[::1]/',
  'https://[::ffff:10.0.0.1]/',
  'https://169.254.169.254/latest/meta-data',
  'https://10.0.0.1/',
  'https://[fd00::1]/',
  'https://control.internal/',
  'http://hooks.records-proof.example/',
  'http://127.0.0.1:8080/',
  'https://user:password@hooks.records-proof.example/',
] as const

/** All that can be set at a place. */
function sinksAt(url: string): readonly (readonly [target: string, body: unknown])[] {
  const { secretAccessKey, authorization } = newSecrets()
  const bucket = { kind: 's3', endpoint: url, region: 'eu', bucket: 'audit-log' }
  const { hostname } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const plain = url.startsWith('http:')
  return [
    [LOG_SINKS_AT, webhook(url)],
    [LOG_SINKS_AT, { ...bucket, accessKeyId: 'id', secretAccessKey }],
    // What stands before the host is nothing that a log host could be given.
    ...(url.includes('@') ? [] : [[LOG_SINKS_AT, { kind: 'syslog', host, tls: !plain }] as const]),
    [ALERT_SINKS_AT, hook(url)],
    [ALERT_SINKS_AT, { kind: 'servicenow', instance: url, authorization }],
  ]
}

/** What tenants set of where they are told, and what they read there. */
export const TENANT_SINKS: readonly RecordsAttack[] = [
  read('rc-told-read', 'Read another tenant’s sinks and alerts', async (duel) => ({
    owner: await ownerIsTold(duel),
    attempt: async () => {
      const context = await duel.context(duel.attacker)
      const heard: Heard[] = []
      for (const target of TOLD_AT) {
        heard.push(await duel.says('tenants', target, context))
        for (const [query, more] of naming(duel)) {
          heard.push(await duel.says('tenants', target + query, context, more))
        }
      }
      for (const path of below(duel)) heard.push(await duel.says('tenants', path, context))
      return justMet(heard)
    },
  })),
  write('rc-told-set', 'Set and take away where another tenant is told', async (duel) => {
    putBackAfter(duel)
    const owner = await ownerIsTold(duel)
    await ownerSets(duel, `${LOG_SINKS_AT}/own`, { sink: webhook(`${OUTSIDE}/own`) })
    await ownerSets(duel, `${ALERT_SINKS_AT}/own`, { sink: hook(`${OUTSIDE}/own`) })
    return {
      owner: `${owner}, and set others`,
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const { tenant } = duel.victim
        const heard: Heard[] = []
        const say = async (target: string, what: Ask) =>
          heard.push(await duel.says('tenants', target, context, what))
        for (const [path, sink] of [
          [LOG_SINKS_AT, webhook(`${OUTSIDE}/taken`)],
          [ALERT_SINKS_AT, hook(`${OUTSIDE}/taken`)],
        ] as const) {
          for (const field of ['tenant', 'owner']) {
            await say(`${path}/${SINK}`, sending({ sink, [field]: ownerOf(tenant) }))
            await say(`${path}/${SINK}`, sending({ sink: { ...sink, [field]: tenant } }))
          }
          for (const [query, more] of naming(duel)) {
            const { headers = [], ...put } = sending({ sink })
            await say(`${path}/${SINK}${query}`, {
              ...put,
              headers: [...headers, ...(more.headers ?? [])],
            })
            await say(`${path}/own${query}`, { ...more, method: 'DELETE' })
          }
        }
        for (const path of below(duel)) await say(path, { method: 'DELETE' })
        return justMet(heard)
      },
    }
  }),
  write('rc-told-inside', 'Be told at a place inside, by setting a sink there', async (duel) => {
    putBackAfter(duel)
    for (const [target, sink] of sinksAt(`${OUTSIDE}/`)) {
      await ownerSets(duel, `${target}/own`, { sink })
    }
    return {
      owner: 'the owner set sinks of all kinds at a place outside',
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        return noneMay(
          await eachOf(NEVER.flatMap(sinksAt), ([target, sink]) =>
            duel.says('tenants', `${target}/own`, context, sending({ sink })),
          ),
        )
      },
    }
  }),
  read(
    'rc-told-role',
    'Read and set sinks as somebody of the tenant who has no role for it',
    async (duel) => {
      putBackAfter(duel)
      const owner = await ownerIsTold(duel)
      const grant = parseGrantId(`gr-${'a'.repeat(24)}`)
      const source = { id: 'their-token', client: 'web', issuedAt: new Date() }
      const delegate = {
        delegation: { grant, grantee: duel.attacker.tenant, source },
        actor: { subject: parseSubject('eve'), issuer: 'https://id.records-proof.test/realms/x' },
      }
      const changes = [{ roles: ['auditor'] }, { roles: ['user'] }, { roles: [] }, delegate]
      return {
        owner,
        attempt: async () => {
          const heard: Heard[] = []
          for (const change of changes) {
            const context = await duel.context(duel.victim, change)
            for (const target of TOLD_AT) heard.push(await duel.says('tenants', target, context))
            for (const [path, sink] of [
              [LOG_SINKS_AT, webhook(`${OUTSIDE}/taken`)],
              [ALERT_SINKS_AT, hook(`${OUTSIDE}/taken`)],
            ] as const) {
              const target = `${path}/${SINK}`
              heard.push(await duel.says('tenants', target, context, sending({ sink })))
              heard.push(await duel.says('tenants', target, context, { method: 'DELETE' }))
            }
          }
          return noneMay(heard)
        },
      }
    },
  ),
]
