import { logOf } from '../../audit/entry.ts'
import { shredLog } from '../../records/log/shred.ts'
import { statusesOf } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { entryOf } from '../house/furnish.ts'
import { attackOf, justMet, must, type RecordsAttack } from './attack.ts'

const read = attackOf('read')
const write = attackOf('write')
const ENTRIES = '/ringfence/audit/entries?limit=500'
const OTHERS = ['rf_gateway', 'rf_vending', 'rf_identity', 'rf_control'] as const
const KEPT = [
  'records.log_entry',
  'records.log_data_key',
  'records.log_signing_key',
  'usage.event',
  'usage.rollup',
  'billing.invoice',
  'billing.budget',
  'alerts.alert',
  'audit.inbox',
]

const statementsOn = (table: string) => [
  `select * from ${table} limit 1`,
  `delete from ${table} where false`,
]

/** Somebody at the database, without the keys that wrap keys, puts the victim's into the attacker's log. */
async function splice(duel: Duel, withKey: boolean): Promise<void> {
  const { admin } = duel.plane.site
  const [from, to] = [logOf(duel.victim.tenant), logOf(duel.attacker.tenant)]
  const before = await admin.query<{ bytes: Buffer }>(
    'select bytes from records.log_entry where log = $1 and place = 0',
    [to],
  )
  await admin.query(
    `update records.log_entry e set bytes = v.bytes from records.log_entry v
     where e.log = $1 and e.place = 0 and v.log = $2 and v.place = 0`,
    [to, from],
  )
  duel.afterwards(() =>
    admin.query('update records.log_entry set bytes = $2 where log = $1 and place = 0', [
      to,
      before[0]?.bytes,
    ]),
  )
  if (!withKey) return
  const keys = await admin.query<{ key: string; wrapped: Buffer }>(
    'select key, wrapped from records.log_data_key where log = $1 and wrapped is not null',
    [to],
  )
  await admin.query(
    `update records.log_data_key k set wrapped = v.wrapped from records.log_data_key v
     where k.log = $1 and v.log = $2 and v.key = k.key`,
    [to, from],
  )
  duel.afterwards(async () => {
    for (const { key, wrapped } of keys) {
      await admin.query(
        'update records.log_data_key set wrapped = $3 where log = $1 and key = $2',
        [to, key, wrapped],
      )
    }
  })
}

function splicing(id: string, title: string, withKey: boolean): RecordsAttack {
  return read(id, title, async (duel) => {
    const context = await duel.context(duel.victim)
    const { body } = await duel.ownerSays('tenants', ENTRIES, context)
    must(body.includes(duel.victim.entryCanary), 'read its entries')
    return {
      owner: 'the owner read the entries that are spliced',
      attempt: async () => {
        await splice(duel, withKey)
        const own = await duel.context(duel.attacker)
        return justMet([
          await duel.says('tenants', ENTRIES, own),
          await duel.says('tenants', '/ringfence/audit/entries/0', own),
        ])
      },
    }
  })
}

export const AT_REST: readonly RecordsAttack[] = [
  splicing('rc-spliced-entry', 'Read an entry of another log, put into one’s own', false),
  splicing('rc-spliced-key', 'Read it by that log’s data key, put into one’s own', true),
  read(
    'rc-erased-read',
    'Read what was erased, by another log’s key in its key’s place',
    async (duel) => {
      const { logs, admin } = duel.plane.site
      const { attacker, victim } = duel
      const log = logOf(attacker.tenant)
      const kept = await admin.query<{ key: string; wrapped: Buffer }>(
        'select key, wrapped from records.log_data_key where log = $1 and wrapped is not null',
        [log],
      )
      const [head] = await admin.query<{ data_key: string }>(
        'select data_key from records.log_head where log = $1',
        [log],
      )
      const secret = `erased-canary-of-a-former-customer-${attacker.entryCanary}`
      const entry = entryOf(attacker, { reason: secret })
      await logs.append([entry])
      await logs.sign()
      const context = await duel.context(attacker)
      const heard = await duel.ownerSays('tenants', ENTRIES, context)
      must(heard.body.includes(secret), 'read the entry before it was erased')
      duel.secrets.push(secret)
      await shredLog(logs, log, 'proof')
      duel.afterwards(async () => {
        for (const { key, wrapped } of kept) {
          await admin.query(
            `update records.log_data_key set wrapped = $3, shredded_at = null
           where log = $1 and key = $2`,
            [log, key, wrapped],
          )
        }
        await admin.query('update records.log_head set data_key = $2 where log = $1', [
          log,
          head?.data_key,
        ])
        await logs.sign()
      })
      return {
        owner: 'the owner read an entry, and had its log erased',
        attempt: async () => {
          const erased = [await duel.says('tenants', ENTRIES, context)]
          await admin.query(
            `update records.log_data_key k set wrapped = v.wrapped, shredded_at = null
           from records.log_data_key v
             where k.log = $1 and v.log = $2 and v.key = k.key and k.key = any($3)`,
            [log, logOf(victim.tenant), kept.map(({ key }) => key)],
          )
          erased.push(await duel.says('tenants', ENTRIES, context))
          return { crossed: false, met: statusesOf(erased) }
        },
      }
    },
  ),
  write(
    'rc-plane-taken-over',
    'Read and change records by the database role of another plane',
    async (duel) => {
      const { admin, asPlane } = duel.plane.site
      for (const table of KEPT) await admin.query(`select 1 from ${table} limit 1`)
      return {
        owner: `the administrator read ${KEPT.length} tables`,
        attempt: async () => {
          let [done, tried] = [0, 0]
          for (const role of OTHERS) {
            const rows = asPlane(role)
            try {
              await rows.transaction(async ({ client }) => {
                for (const sql of KEPT.flatMap(statementsOn)) {
                  tried += 1
                  await client.query('savepoint before')
                  const answer = await client.query(sql).catch(() => undefined)
                  if (answer !== undefined) done += 1
                  await client.query('rollback to before')
                }
              })
            } finally {
              await rows.close()
            }
          }
          return { crossed: done > 0, met: `${done} of ${tried} statements were carried out` }
        },
      }
    },
  ),
]
