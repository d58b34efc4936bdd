import { randomUUID } from 'node:crypto'
import { must } from '../../strikes/staged-attack.ts'
import type { Duel } from '../duel.ts'
import { EU, FULL, STANDARD, US } from '../house/ground.ts'
import { CHIEF } from '../house/site.ts'
import { noneMay, type OfficeAttack, staged, statusOf } from './attack.ts'
import { headerOf } from '../../strikes/heard.ts'

const offboarding = { purge: true, why: 'a proof' }

async function asks(duel: Duel, token: string, region: string) {
  const { tenant } = duel.ownGuest()
  const body = { id: tenant, display_name: 'Own', tier: 'pooled', region, plan: STANDARD }
  const { status } = await duel.says('POST', '/v1/tenants', { token, body })
  const { plane } = duel.site
  const cells = await plane.catalogue.cells()
  const there = await plane.tenants.get(tenant).catch(() => undefined)
  const placed = cells.find(({ name }) => name === there?.cell)?.region
  return { status, region: there?.region, placed }
}

export const LIFECYCLE: readonly OfficeAttack[] = [
  staged(
    {
      id: 'ca-region-without-room',
      title: 'A tenant of a region without room ends up in another',
      kind: 'write',
    },
    async (duel) => {
      const { token } = await duel.operator(['tenants:write'])
      const shown = await asks(duel, token, US)
      must(shown.status === 202 && shown.region === US, 'have a tenant in its region')
      return {
        owner: 'the owner got a tenant in its region',
        attempt: async () => {
          const { status, region, placed } = await asks(duel, token, FULL)
          const outside = (region ?? FULL) !== FULL || (placed ?? FULL) !== FULL
          return { crossed: outside || status < 400, met: String(status) }
        },
      }
    },
  ),
  staged(
    { id: 'ca-region-of-cell', title: 'A cell is moved to another region', kind: 'write' },
    async (duel) => {
      const { token } = await duel.operator(['catalogue:write'])
      const path = `/v1/cells/own-${randomUUID().slice(0, 8)}`
      const put = (region: string, capacity: number) => ({
        token,
        body: { region, capacity, open: true },
      })
      // Without room in it: nobody is placed there.
      const shown = await duel.ownerSays('PUT', path, put(EU, 0))
      must(shown.status === 200, 'make a cell known')
      return {
        owner: 'the owner made a cell of a region known',
        attempt: async () =>
          noneMay([
            await duel.says('PUT', path, put(US, 0)),
            await duel.says('PUT', '/v1/cells/eu-1', put(US, 10_000)),
          ]),
      }
    },
  ),
  staged(
    { id: 'ca-erase-under-hold', title: 'A tenant under legal hold is erased', kind: 'write' },
    async (duel) => {
      const { plane } = duel.site
      const [free, held] = await Promise.all([duel.settledGuest(), duel.settledGuest()])
      const { token } = await duel.operator(['tenants:write'])
      const path = (tenant: string) => `/v1/tenants/${tenant}?purge=true&why=proof`
      const shown = await duel.together(() =>
        duel.ownerSays('DELETE', path(free.tenant), { token }),
      )
      must(shown.status === 202, 'have a tenant erased that nobody holds')
      await duel.rest()
      await plane.tenants.update(held.tenant, { legalHold: true }, undefined, CHIEF)
      return {
        owner: 'the owner had a tenant erased that nobody holds',
        attempt: async () => {
          const heard = noneMay([
            await duel.together(() => duel.says('DELETE', path(held.tenant), { token })),
          ])
          await duel.rest()
          return heard
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-hold-too-late',
      title: 'A tenant under legal hold, whose offboarding had begun, is erased',
      kind: 'write',
    },
    async (duel) => {
      const { plane } = duel.site
      const { tenant } = await duel.settledGuest()
      const { token } = await duel.operator(['tenants:write'])
      const path = `/v1/tenants/${tenant}?why=proof`
      const { status } = await duel.ownerSays('DELETE', path, { token })
      must(status === 202, 'begin an offboarding')
      await duel.rest()
      await plane.tenants.update(tenant, { legalHold: true }, undefined, CHIEF)
      return {
        owner: 'the owner began an offboarding, which waits for its grace period',
        attempt: async () => {
          const heard = await duel.together(() =>
            duel.says('DELETE', `${path}&purge=true`, { token }),
          )
          await duel.rest()
          const gone = duel.site.world.find(tenant) === undefined
          return { crossed: gone || heard.status < 400, met: statusOf(heard) }
        },
      }
    },
  ),
  staged(
    {
      id: 'ca-id-taken-again',
      title: 'What was good for a tenant that is gone, for the next one of its id',
      kind: 'write',
    },
    async (duel) => {
      const { site } = duel
      const { plane } = site
      const former = await duel.settledGuest()
      const { tenant } = former
      const { token } = await duel.operator(['tenants:read', 'tenants:write', 'leases:write'])
      const path = `/v1/tenants/${tenant}`
      const read = await duel.ownerSays('GET', path, { token })
      const tag = headerOf(read, 'etag')
      const key = [['Idempotency-Key', randomUUID()]] as const
      const lease = site.world.live(tenant)[0] ?? ''
      const revoking = { token, headers: key }
      const revoked = await duel.ownerSays('DELETE', `${path}/leases/${lease}`, revoking)
      must(read.status === 200 && revoked.status === 200, 'read its tenant, and end a lease')
      await site.ended(await plane.tenants.offboard(tenant, offboarding, CHIEF))
      const next = { ...former, nameCanary: 'the next one' }
      await site.settle(next)
      const [before] = site.world.live(tenant)
      return {
        owner: 'the owner read its tenant, and ended a lease, before the tenant was gone',
        attempt: async () => {
          const change = {
            token,
            headers: [['If-Match', tag]] as const,
            body: { legal_hold: true },
          }
          const changed = await duel.says('PATCH', path, change)
          // The first answer again, or nothing: the lease of the next one stays.
          await duel.says('DELETE', `${path}/leases/${lease}`, revoking)
          const [after] = site.world.live(tenant)
          return {
            crossed: changed.status < 400 || before !== after,
            met: statusOf(changed),
          }
        },
      }
    },
  ),
]
