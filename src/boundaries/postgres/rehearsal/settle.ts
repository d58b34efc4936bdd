import type { TenantId, Tier } from '../../../core/tenant.ts'
import type { Application } from '../manifest.ts'
import { newTenantKey } from '../names.ts'
import type { Site } from '../site.ts'
import { Arena, newCanary, plantSide, REHEARSAL_REGION } from './arena.ts'
import type { Side } from './side.ts'
import { GROUND } from './ground.ts'

/** Gives every tenant its place, with canaries in it. */
export async function settle(
  application: Application,
  tier: Tier,
  tenants: readonly TenantId[],
  sites: readonly Site[],
): Promise<Arena> {
  const refusals = new Map<string, string>()
  const place = async (tenant: TenantId, site: Site): Promise<Side> => {
    const key = newTenantKey()
    const { database } = await site.reserve({ id: tenant, tier, region: REHEARSAL_REGION }, key)
    if (tier === 'bridge') await site.makeBridgeDatabase(database)
    await site.activate(tenant)
    const canary = newCanary()
    const applications = application.name === GROUND.name ? [GROUND] : [application, GROUND]
    const { planted, refused } = await plantSide(site, database, applications, key, canary)
    for (const [table, why] of refused) refusals.set(table, why)
    return { tenant, key, canary, site, database, planted }
  }
  const sides: Side[] = []
  // Tenants of one server after one another: the template of their databases is copied by one at a time.
  if (sites.length === 1) {
    for (const tenant of tenants) for (const site of sites) sides.push(await place(tenant, site))
  } else {
    const placing = sites.map((site, index) => {
      const tenant = tenants[index]
      if (tenant === undefined) throw new Error('more silos than tenants')
      return place(tenant, site)
    })
    sides.push(...(await Promise.all(placing)))
  }
  return new Arena({ tier, application, sides, refused: refusals })
}
