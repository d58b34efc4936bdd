import { lineText } from '../../journal/journal-line.ts'
import type { Heard } from '../../strikes/wire.ts'
import { entryOf } from '../house/furnish.ts'
import { READER } from '../house/ground.ts'
import { attackOf, eachOf, must, noneMay, type RecordsAttack, statusesOf } from './attack.ts'
import { READS } from './reads.ts'

const read = attackOf('read')
const write = attackOf('write')
const PREFIXES = ['', '/ringfence', '/ringfence/audit', '/ringfence/billing', '/ringfence/..', '//']
const METRICS = ['/metrics', '/counts', '/readyz', '/healthz', '/v1/telemetry', '/debug/vars']

export const DOORS: readonly RecordsAttack[] = [
  read('rc-door-metrics', 'Reach counts of all tenants where tenants come in', async (duel) => {
    const { status } = await duel.ownerSays('intake', '/healthz')
    must(status === 200, 'reach the operators’ listener')
    return {
      owner: 'the operators’ listener says how it is',
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const targets = PREFIXES.flatMap((prefix) => METRICS.map((path) => prefix + path))
        return noneMay(await eachOf(targets, (target) => duel.says('tenants', target, context)))
      },
    }
  }),
  write('rc-door-intake', 'Send journals and usage where tenants come in', async (duel) => {
    const line = lineText({ kind: 'audit', value: entryOf(duel.attacker) }).trimEnd()
    const sent = await duel.journal(duel.own, 'gateway', [line])
    must(sent.status === 204, 'send a journal to the operators’ listener')
    return {
      owner: 'the plane sent its journal to the operators’ listener',
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        const heard: Heard[] = []
        for (const prefix of PREFIXES) {
          for (const path of ['/v1/journal', '/v1/usage/events']) {
            const headers = [
              ['authorization', `Bearer ${await duel.assertion('gateway')}`] as const,
              ['content-type', 'application/x-ndjson'] as const,
              ['ringfence-source', 'proof-9'] as const,
            ]
            const post = { method: 'POST', headers, body: `${line}\n` }
            heard.push(await duel.says('tenants', prefix + path, context, post))
          }
        }
        return noneMay(heard)
      },
    }
  }),
  read('rc-door-operators', 'Reach everybody’s bills where tenants come in', async (duel) => {
    const path = `/v1/billing/tenants/${duel.victim.tenant}/invoices`
    const headers = [['authorization', `Bearer ${READER}`] as const]
    const { status } = await duel.ownerSays('intake', path, '', { headers })
    must(status === 200, 'read invoices as an operator')
    return {
      owner: 'the operator read the invoices at its own listener',
      attempt: async () => {
        const context = await duel.context(duel.attacker)
        return noneMay(
          await eachOf(PREFIXES, (prefix) =>
            duel.says('tenants', prefix + path, context, { headers }),
          ),
        )
      },
    }
  }),
  read('rc-door-tenants', 'Read as a tenant where planes come in', async (duel) => {
    const context = await duel.context(duel.victim)
    for (const target of READS) {
      const heard = await duel.ownerSays('tenants', target, context)
      must(heard.status === 200, 'read its records')
    }
    return {
      owner: 'the owner read its records at its own listener',
      attempt: async () =>
        noneMay(await eachOf(READS, (target) => duel.says('intake', target, context))),
    }
  }),
  read(
    'rc-answer-tells',
    'Learn of other tenants by the fields and errors of answers',
    async (duel) => {
      const theirs = await duel.context(duel.victim)
      for (const target of READS) {
        const heard = await duel.ownerSays('tenants', target, theirs)
        must(heard.status === 200, 'read its records')
      }
      return {
        owner: 'the owner read its records',
        attempt: async () => {
          const context = await duel.context(duel.attacker)
          const more = ['/ringfence/audit/entries?limit=x', '/ringfence/audit/entries/99999', '/x']
          const heard: Heard[] = []
          for (const target of [...READS, ...more]) {
            const headers = [['traceparent', `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`] as const]
            heard.push(await duel.says('tenants', target, context, { headers }))
          }
          const word = new RegExp(`(?<![a-z0-9-])${duel.victim.tenant}(?![a-z0-9-])`)
          const told = heard.filter(({ headers, body }) =>
            word.test(JSON.stringify(headers) + body),
          )
          return { crossed: told.length > 0, met: statusesOf(heard) }
        },
      }
    },
  ),
]
