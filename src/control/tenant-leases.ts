import { z } from 'zod'
import type { LeaseRecord, Revocation } from '../boundaries/boundary.ts'
import { RingfenceError } from '../core/errors.ts'
import type { LeaseId } from '../core/lease.ts'
import type { ClientId } from '../core/names.ts'
import { parsed } from '../core/parsed.ts'
import { parseCellName, parseTenantId, type TenantId } from '../core/tenant.ts'
import type { About } from './act-entries.ts'
import { recordAct, requireScope } from './act.ts'
import type { Actor } from './control-plane.ts'
import type { Database } from './database.ts'
import type { Cells } from './ports.ts'

/** Tenants that are looked at together. */
const AT_ONCE = 8

const placedSchema = z.object({ id: parsed(parseTenantId), cell: parsed(parseCellName) })
type Placed = z.output<typeof placedSchema>

/** The leases in the ledgers of the cells. */
export class TenantLeases {
  readonly #database: Database
  readonly #cells: Cells

  constructor(database: Database, cells: Cells) {
    this.#database = database
    this.#cells = cells
  }

  async leases(tenant: TenantId): Promise<readonly LeaseRecord[]> {
    const { id, cell } = await this.#placed(tenant)
    const boundaries = await this.#cells.boundaries(cell)
    return (await Promise.all(boundaries.map((boundary) => boundary.leases(id)))).flat()
  }

  async revoke(tenant: TenantId, lease: LeaseId | undefined, by: Actor): Promise<Revocation> {
    requireScope(by, 'leases:write')
    const { id, cell } = await this.#placed(tenant)
    await this.#record(by, 'leases.revoke', id, { lease: lease ?? 'all' }, [{ tenant: id }])
    const boundaries = await this.#cells.boundaries(cell)
    return sum(await Promise.all(boundaries.map((boundary) => boundary.revoke(id, lease))))
  }

  /**
   * Ends what one workload holds, tenant by tenant. It goes on past a cell that does not answer, and
   * then says so.
   */
  async revokeWorkload(client: ClientId, by: Actor): Promise<Revocation> {
    requireScope(by, 'leases:write')
    await this.#record(by, 'workload.revoke', client, {})
    const rows = await this.#database.query(
      `select id, cell from registry.tenant where cell is not null and status <> 'erased' order by id`,
    )
    const placed = rows.map((row) => placedSchema.parse(row))
    const ended: Revocation[] = []
    const errors: unknown[] = []
    for (let begin = 0; begin < placed.length; begin += AT_ONCE) {
      const results = await Promise.allSettled(
        placed.slice(begin, begin + AT_ONCE).map((one) => this.#revokeHeld(one, client)),
      )
      for (const result of results) {
        if (result.status === 'fulfilled') ended.push(result.value)
        else errors.push(result.reason)
      }
    }
    if (errors.length > 0) throw errors[0]
    return sum(ended)
  }

  async #revokeHeld({ id, cell }: Placed, client: ClientId): Promise<Revocation> {
    const ended: Revocation[] = []
    for (const boundary of await this.#cells.boundaries(cell)) {
      for (const lease of await boundary.leases(id)) {
        if (lease.holder !== client || lease.ended_at !== undefined) continue
        ended.push(await boundary.revoke(id, lease.lease_id))
      }
    }
    return sum(ended)
  }

  async #placed(tenant: TenantId): Promise<Placed> {
    const [row] = await this.#database.query(
      'select id, cell from registry.tenant where id = $1 and cell is not null',
      [tenant],
    )
    if (row === undefined) throw new RingfenceError('not_found', 'no such tenant with a place')
    return placedSchema.parse(row)
  }

  async #record(
    by: Actor,
    action: string,
    subject: string,
    detail: Record<string, unknown>,
    about: readonly About[] = [],
  ) {
    await this.#database.transaction((tx) => recordAct(tx, by, action, subject, detail, about))
  }
}

function sum(revocations: readonly Revocation[]): Revocation {
  return {
    leases: revocations.flatMap(({ leases }) => leases),
    sessionsEnded: revocations.reduce((total, { sessionsEnded }) => total + sessionsEnded, 0),
  }
}
