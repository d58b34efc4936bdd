import { RingfenceError } from '../../core/errors.ts'
import type { Region, TenantId } from '../../core/tenant.ts'
import type { Erasure } from '../boundary.ts'
import { eraseRows } from './erase.ts'
import type { TenantPlace } from './ledger-moves.ts'
import type { Silos } from './silos.ts'
import type { Site } from './site.ts'

type Emptied = Pick<Erasure, 'deleted' | 'probes'>

/** Makes, finds and drops the places of a cell's tenants, on every tier. */
export class Places {
  readonly #site: Site
  readonly #silos: Silos | undefined

  constructor(site: Site, silos: Silos | undefined) {
    this.#site = site
    this.#silos = silos
  }

  /** Makes a place, or completes it. Nobody gets in before `open`. Idempotent. */
  async make(tenant: TenantId, region: Region, place: TenantPlace): Promise<void> {
    if (place.tier === 'bridge') await this.#site.makeBridgeDatabase(place.database)
    if (place.tier === 'silo') {
      const silo = await this.silos().create(place.key)
      await silo.reserve({ id: tenant, tier: 'silo', region }, place.key)
    }
  }

  /** Lets the ledger of a silo give leases; those of the other tiers are in the cell's. */
  async open(tenant: TenantId, place: TenantPlace): Promise<void> {
    if (place.tier === 'silo') await (await this.silos().open(place.key)).activate(tenant)
  }

  /** The server that holds a place: the cell's, or the tenant's own. */
  async siteOf(place: TenantPlace): Promise<Site> {
    return place.tier === 'silo' ? this.silos().open(place.key) : this.#site
  }

  /** Deletes everything in a place, with the place itself, and looks for what is left. Idempotent. */
  async drop(place: TenantPlace): Promise<Emptied> {
    const site = this.#site
    if (place.tier === 'pooled') {
      return eraseRows(site.admin(place.database), site.application, place.key)
    }
    if (place.tier === 'bridge') {
      const count = (await site.hasDatabase(place.database)) ? 1 : 0
      await site.dropBridgeDatabase(place.database)
      const found = (await site.hasDatabase(place.database)) ? 1 : 0
      return { deleted: [{ item: 'database', count }], probes: [{ place: 'databases', found }] }
    }
    const silos = this.silos()
    const count = silos.exists(place.key) ? 1 : 0
    await silos.remove(place.key)
    const found = silos.exists(place.key) ? 1 : 0
    return { deleted: [{ item: 'server', count }], probes: [{ place: 'directories', found }] }
  }

  /** @throws RingfenceError `engine_unsupported` where servers cannot be started */
  silos(): Silos {
    if (this.#silos === undefined) {
      throw new RingfenceError('engine_unsupported', 'this process cannot start silos')
    }
    return this.#silos
  }
}
