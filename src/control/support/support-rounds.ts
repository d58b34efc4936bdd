import { z } from 'zod'
import { messageOf } from '../../core/errors.ts'
import { parsed } from '../../core/parsed.ts'
import { Rounds } from '../../core/rounds.ts'
import { type SupportDecision, termsDigest } from '../../core/support-terms.ts'
import { parseCellName, parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import type { Cells } from '../ports.ts'
import type { SupportChanges } from './support-changes.ts'
import type { SupportDesk } from './support-desk.ts'
import { SUPPORT_COLUMNS, type SupportRow, supportRowOf, supportViews } from './support-row.ts'
import type { SupportEvent } from './support-state.ts'
import { SUPPORT_CLIENT } from './support-service.ts'
import { shownOf } from './shown-of.ts'

const EVERY_MS = 1_000
const BATCH = 50

export interface SupportRoundsParts {
  readonly database: Database
  readonly changes: SupportChanges
  readonly cells: Cells
  /** The identity plane; without it no tenant can agree. */
  readonly desk: SupportDesk | undefined
  readonly log: (line: string) => void
  /** Milliseconds between two looks. Default a second. */
  readonly everyMs?: number
}

/**
 * What happens to support accesses by itself: their time ends, tenants are shown them, tenants' words
 * are fetched, and leases of what is over are ended. Any control process may do it, at the same time
 * too; what a killed one left, the next takes up.
 */
export class SupportRounds {
  readonly #parts: SupportRoundsParts
  readonly #rounds: Rounds
  #looking: Promise<void> | undefined

  constructor(parts: SupportRoundsParts) {
    this.#parts = parts
    const { everyMs = EVERY_MS, log } = parts
    this.#rounds = new Rounds({ what: 'support', log, everyMs }, () => this.look())
  }

  start(): void {
    this.#rounds.start()
  }

  async stop(): Promise<void> {
    await this.#rounds.stop()
    await this.#looking
  }

  /** Looks now, once more when it is looking already: it may have passed what has just changed. */
  wake(): void {
    if (this.#rounds.ended) return
    const before = this.#looking ?? Promise.resolve()
    this.#looking = before.then(() => this.look())
  }

  /** One look at everything. Each part goes on when another fails. */
  async look(): Promise<void> {
    await this.#part('end', () => this.#expire())
    const { desk } = this.#parts
    if (desk !== undefined) {
      await this.#part('decisions', () => this.#decide(desk))
      await this.#part('record', () => this.#show(desk))
    }
    await this.#part('leases', () => this.#endLeases())
  }

  async #part(name: string, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      this.#parts.log(`support: ${name}: ${messageOf(error)}`)
    }
  }

  async #expire(): Promise<void> {
    const due = await this.#parts.database.query<{ id: string }>(
      `select id from registry.support_access
        where (state = 'active' and ends_at <= clock_timestamp())
           or (state in ('requested', 'approved', 'consented') and decide_by <= clock_timestamp())
        limit ${BATCH}`,
    )
    const why = 'its time is over'
    for (const { id } of due) await this.#happen(id, 'expire', 'system', why, isDue)
  }

  /** Fetched by tenant, so that one tenant's word says nothing of another's accesses. */
  async #decide(desk: SupportDesk): Promise<void> {
    const rows = await this.#parts.database.query(
      `select distinct tenant from registry.support_access
        where state in ('requested', 'approved', 'consented', 'active') and shown_revision > 0`,
    )
    const row = z.object({ tenant: parsed(parseTenantId) })
    for (const { tenant } of rows.map((one) => row.parse(one))) {
      for (const decision of await desk.decisions(tenant)) await this.take(tenant, decision)
    }
  }

  /** Applies a tenant's word, if it is about an access of its own, and about these very terms. */
  async take(tenant: TenantId, decision: SupportDecision): Promise<void> {
    const { access, digest, kind, by } = decision
    const agrees = (row: SupportRow) => row.tenant === tenant && termsDigest(row) === digest
    const why = {
      consent: 'the tenant agreed',
      deny: 'the tenant refused',
      revoke: 'the tenant ended it',
    }
    await this.#happen(access, kind, `tenant:${by}`, why[kind], async (_tx, row) => agrees(row))
  }

  async #happen(
    id: string,
    event: SupportEvent,
    by: string,
    why: string,
    allow: (tx: Tx, row: SupportRow) => Promise<boolean>,
  ): Promise<void> {
    const { database, changes } = this.#parts
    await database.transaction(async (tx) => {
      const [found] = await tx.query(
        `select ${SUPPORT_COLUMNS} from registry.support_access where id = $1 for update`,
        [id],
      )
      if (found === undefined) return
      const row = supportRowOf(found)
      if (!(await allow(tx, row))) return
      await changes.happen(tx, row, event, { by, why, requestId: 'support-rounds' })
    })
  }

  async #show(desk: SupportDesk): Promise<void> {
    const { database } = this.#parts
    const found = await database.query(
      `select ${SUPPORT_COLUMNS} from registry.support_access
        where shown_revision < revision order by seq limit ${BATCH}`,
    )
    const rows = found.map(supportRowOf)
    for (const view of await supportViews(database, rows)) {
      await desk.show(shownOf(view))
      await database.query(
        `update registry.support_access set shown_revision = greatest(shown_revision, $2)
          where id = $1`,
        [view.id, view.revision],
      )
    }
  }

  /**
   * Ends what operators hold of the tenant. Which of two accesses a lease came of is not in the ledger:
   * both lose theirs, and the one that goes on gets another.
   */
  async #endLeases(): Promise<void> {
    const { database, cells } = this.#parts
    const found = await database.query(
      `select support_access.id, tenant, cell from registry.support_access
         join registry.tenant on tenant.id = support_access.tenant
        where leases_left limit ${BATCH}`,
    )
    const row = z.object({
      id: z.string(),
      tenant: parsed(parseTenantId),
      cell: parsed(parseCellName).nullable(),
    })
    for (const { id, tenant, cell } of found.map((one) => row.parse(one))) {
      for (const boundary of cell === null ? [] : await cells.boundaries(cell)) {
        for (const lease of await boundary.leases(tenant)) {
          if (lease.holder !== SUPPORT_CLIENT || lease.ended_at !== undefined) continue
          await boundary.revoke(tenant, lease.lease_id)
        }
      }
      await database.query('update registry.support_access set leases_left = false where id = $1', [
        id,
      ])
    }
  }
}

/** By the database's clock, with the row locked: it may have become active meanwhile. */
async function isDue(tx: Tx, { id }: SupportRow): Promise<boolean> {
  const due = await tx.query(
    `select from registry.support_access where id = $1 and clock_timestamp() >=
        case when state = 'active' then ends_at else decide_by end`,
    [id],
  )
  return due.length > 0
}
