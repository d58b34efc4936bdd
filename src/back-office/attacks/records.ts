import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { mkdir, rm } from 'node:fs/promises'
import { addEvent } from '../../control/workflows/progress.ts'
import { must } from '../../strikes/staged-attack.ts'
import type { Heard, Wire } from '../../strikes/wire.ts'
import { CHIEF } from '../house/site.ts'
import { justMet, noneMay, type OfficeAttack, staged } from './attack.ts'
import { bodyOf } from '../../strikes/heard.ts'

/** Milliseconds for what goes to a second stream when it has come on the first. */
const AFTER_MS = 30
/** How long anybody waits for what must come. */
const WAIT_MS = 10_000
const POLL_MS = 5

export const RECORDS: readonly OfficeAttack[] = [
  staged(
    {
      id: 'ca-export-path',
      title: "An export whose items are named like paths into another tenant's",
      kind: 'write',
    },
    async (duel) => {
      const { site, attacker, victim } = duel
      const { tenants } = site.plane
      const { token } = await duel.operator()
      const path = `/v1/tenants/${attacker.tenant}/export`
      const shown = await site.ended(await tenants.export(victim.tenant, CHIEF))
      must(shown.state === 'succeeded', 'export its tenant')
      const victims = join(site.exportDirectory, victim.tenant)
      await mkdir(victims, { recursive: true })
      const items = site.world.find(attacker.tenant)?.items
      const names = [
        `../../../${victim.tenant}/planted`,
        join(victims, 'planted'),
        `..\\..\\..\\${victim.tenant}\\planted`,
      ]
      duel.afterwards(async () => {
        for (const name of names) items?.delete(name)
        await rm(join(victims, 'planted.ndjson'), { force: true })
      })
      return {
        owner: 'the owner exported its tenant',
        attempt: async () => {
          const heard: Heard[] = []
          for (const name of names) {
            items?.set(name, 'planted')
            const begun = await duel.says('POST', path, { token, body: {} })
            heard.push(begun)
            const id = String(bodyOf(begun)['id'])
            if (begun.status < 300) await site.ended(await site.plane.workflows.get(id))
            items?.delete(name)
          }
          return justMet(heard)
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-path-climbs',
      title: 'Paths that begin with a tenant of one’s own and lead to another',
      kind: 'read',
    },
    async (duel) => {
      const { token } = await duel.operator(['tenants:read', 'leases:read'])
      const own = `/v1/tenants/${duel.attacker.tenant}`
      const { tenant } = duel.victim
      const { status } = await duel.ownerSays('GET', own, { token })
      must(status === 200, 'read its tenant by its path')
      return {
        owner: 'the owner read its tenant by its path',
        // A proxy that lets somebody through to one tenant's paths looks at how they begin.
        attempt: async () => {
          const heard: Heard[] = []
          for (const climb of [
            `/../${tenant}`,
            `/../${tenant}/leases`,
            `/%2e%2e/${tenant}`,
            `/.%2E/${tenant}/history`,
            `/x/../../${tenant}`,
            `/..%2f${tenant}`,
            `/..\\${tenant}`,
            `%2f..%2f${tenant}`,
          ]) {
            heard.push(await duel.says('GET', `${own}${climb}`, { token }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-stream-after-revocation',
      title: 'A stream of events that goes on after its token was revoked',
      kind: 'read',
    },
    async (duel) => {
      const { site } = duel
      const guest = await duel.settledGuest()
      const waits = await site.plane.tenants.offboard(
        guest.tenant,
        { purge: false, why: 'a proof' },
        CHIEF,
      )
      await site.ended(waits)
      const secret = `note-${guest.rowCanary}`
      const path = `/v1/workflows/${waits.id}/events`
      const { name, token } = await duel.operator(['tenants:read'])
      const stream = duel.says('GET', path, { token })
      const owners = duel.ownerSays('GET', path, { token: (await duel.operator()).token })
      duel.afterwards(async () => {
        duel.wire.cut()
        duel.own.cut()
        await Promise.allSettled([stream, owners])
      })
      await heard(duel.own, '"step":"grace"')
      await heard(duel.wire, '"step":"grace"')
      await site.plane.operators.revoke(name, CHIEF)
      duel.secrets.push(secret)
      return {
        owner: 'the owner heard how its workflow goes on',
        attempt: async () => {
          await addEvent(site.database, waits.id, 'grace', 'running', secret)
          await heard(duel.own, secret)
          // It was sent to both at the same moment.
          await setTimeout(AFTER_MS)
          return { crossed: false, met: 'a stream that has ended' }
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-stream-last-event',
      title: 'Streams of events without the scope, from places that never were',
      kind: 'read',
    },
    async (duel) => {
      const { plane } = duel.site
      const { items } = await plane.workflows.list({ tenant: duel.victim.tenant }, { limit: 1 })
      const path = `/v1/workflows/${items[0]?.id}/events`
      const owner = await duel.operator(['tenants:read'])
      const shown = await duel.ownerSays('GET', path, { token: owner.token })
      must(shown.status === 200, 'hear how its workflow went')
      const { token } = await duel.operatorWithout('tenants:read')
      return {
        owner: 'the owner heard how its workflow went',
        attempt: async () => {
          const heard: Heard[] = []
          for (const last of ['0', '-1', '999999999999999', `0' or '1'='1`, '0,0', '']) {
            const headers = [['Last-Event-ID', last]] as const
            heard.push(await duel.says('GET', path, { token, headers }))
          }
          return noneMay(heard)
        },
      }
    },
  ),
]

/** Waits until something has come on a stream. */
async function heard(wire: Wire, text: string): Promise<void> {
  for (const end = Date.now() + WAIT_MS; !wire.hasSeen(text) && Date.now() < end; ) {
    await setTimeout(POLL_MS)
  }
  must(wire.hasSeen(text), 'hear how its workflow goes on')
}
