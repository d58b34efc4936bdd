import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import type { LeaseId } from '../../../core/lease.ts'
import type { CellName, TenantId, Tier } from '../../../core/tenant.ts'
import type { CutOver, Erasure, MoveProgress, Mover } from '../../boundary.ts'
import { typed, withClient } from '../connection.ts'
import { ERASURE_NOT_COVERED } from '../erase.ts'
import {
  changePlaces,
  enterMove,
  forgetMove,
  leasesOnLeft,
  type Move,
  noteCopied,
  type TenantPlace,
  whereabouts,
  type Whereabouts,
} from '../ledger-moves.ts'
import { bridgeDatabase, newTenantKey } from '../names.ts'
import type { Places } from '../places.ts'
import type { Site } from '../site.ts'
import { copyChanges, copyWhole, count } from './copy-rows.ts'
import { advanceSequences } from './sequences.ts'
import { type End, Transfer } from './transfer.ts'
import { checkSharedReferences, verifyEqual } from './verify.ts'
import { WritePause } from './write-pause.ts'

export interface MoverOptions {
  readonly cell: CellName
  readonly site: Site
  readonly places: Places
  readonly tiers: readonly Tier[]
}

type Moving = Whereabouts & { readonly move: Move }

/**
 * Moves tenants between the tiers of a cell. The ledger holds where the tenant is and its other
 * place; one transaction swaps the two. Everything else can be repeated or thrown away.
 */
export class PostgresMover implements Mover {
  readonly #options: MoverOptions

  constructor(options: MoverOptions) {
    this.#options = options
  }

  prepareMove(tenant: TenantId, to: Tier): Promise<MoveProgress> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const present = activePlace(found)
      if (!this.#options.tiers.includes(to)) {
        throw new RingfenceError('engine_unsupported', `this cell cannot hold ${to} tenants`)
      }
      const { places } = this.#options
      const move = found?.move ?? (await this.#enter(ledger, tenant, present.tier, to))
      if (move.phase === 'left') throw refused('the last move is not finished; finish it first')
      if (move.tier !== to) throw refused(`it is already moving to ${move.tier}; abort that first`)
      const moving = { present, move }
      if (move.phase === 'copied') return this.#transfer(moving, (t) => progress(moving, t, 0))
      await places.make(tenant, present.region, move)
      return this.#transfer(moving, async (transfer) => {
        const { copied, horizon } = await transfer.reading(async (reading) => {
          let copied = 0
          for (const table of transfer.tables) {
            copied += await transfer.writing(() => copyWhole(transfer, table))
          }
          return { copied, horizon: reading.horizon }
        })
        await checkSharedReferences(transfer)
        await advanceSequences(transfer)
        // Without knowing the new rows the planner would choose badly in the pause.
        for (const { qualified } of transfer.tables)
          await transfer.target.query(`analyze ${qualified}`)
        await noteCopied(ledger, tenant, horizon)
        return progress(moving, transfer, copied)
      })
    })
  }

  catchUp(tenant: TenantId): Promise<MoveProgress> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const moving = copiedMove(found)
      return this.#transfer(moving, async (transfer) => {
        const copied = await this.#catchUp(ledger, tenant, moving.move.since, transfer)
        return progress(moving, transfer, copied.rows)
      })
    })
  }

  cutOver(tenant: TenantId): Promise<CutOver> {
    return this.#onTenant(tenant, async (ledger, found) => {
      if (found?.move?.phase === 'left') {
        await this.#endSessions((await leasesOnLeft(ledger, tenant)) as LeaseId[])
        await this.#shutSilo(tenant, found.move)
        return this.#result(tenant, found.present, found.move.verified)
      }
      const moving = copiedMove(found)
      const result = await this.#transfer(moving, async (transfer) => {
        // Once more outside the pause, so that little is left for it.
        const { horizon } = await this.#catchUp(ledger, tenant, moving.move.since, transfer)
        return this.#pauseAndSwap(ledger, tenant, moving, transfer, horizon)
      })
      await this.#shutSilo(tenant, moving.present)
      return this.#result(tenant, moving.move, result)
    })
  }

  abortMove(tenant: TenantId): Promise<void> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const move = found?.move
      if (move === undefined) return
      if (move.phase === 'left') throw refused('it has moved already; move it back instead')
      await this.#options.places.drop(move)
      await forgetMove(ledger, this.#options.site.names, tenant, move.key)
    })
  }

  finishMove(tenant: TenantId): Promise<Erasure> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const { site, places } = this.#options
      const move = found?.move
      const erasure = { tenant, erasedAt: new Date(), notCovered: ERASURE_NOT_COVERED }
      if (move === undefined) return { ...erasure, deleted: [], probes: [] }
      if (move.phase !== 'left') throw refused('it has not moved yet; cut over or abort first')
      await this.#endSessions((await leasesOnLeft(ledger, tenant)) as LeaseId[])
      const { deleted, probes } = await places.drop(move)
      await site.disown(ledger, move)
      const logins = await forgetMove(ledger, site.names, tenant, move.key)
      return {
        ...erasure,
        erasedAt: new Date(),
        deleted: [...deleted, { item: 'logins', count: logins }],
        probes,
      }
    })
  }

  async #enter(ledger: pg.Client, tenant: TenantId, from: Tier, to: Tier): Promise<Move> {
    const { names } = this.#options.site
    if (from === to) throw refused(`it is ${to} already`)
    const key = newTenantKey()
    const database = to === 'bridge' ? bridgeDatabase(names, key) : names.pooledDatabase
    await enterMove(ledger, tenant, { key, tier: to, database })
    return { key, tier: to, database, phase: 'copying', since: undefined, verified: undefined }
  }

  async #catchUp(
    ledger: pg.Client,
    tenant: TenantId,
    since: bigint | undefined,
    transfer: Transfer,
  ): Promise<{ rows: number; horizon: bigint }> {
    const copied = await transfer.reading(async (reading) => {
      let rows = 0
      for (const table of transfer.tables) {
        rows += await transfer.writing(() => copyChanges(transfer, table, since ?? 0n, reading))
      }
      return { rows, horizon: reading.horizon }
    })
    await noteCopied(ledger, tenant, copied.horizon)
    return copied
  }

  async #pauseAndSwap(
    ledger: pg.Client,
    tenant: TenantId,
    { present, move }: Moving,
    transfer: Transfer,
    since: bigint,
  ): Promise<NonNullable<Move['verified']>> {
    const { places } = this.#options
    const from = await places.siteOf(present)
    const swap = async (siloLedger: pg.Client | undefined) => {
      const pause = await WritePause.begin(tenant, ledger, siloLedger)
      let left: readonly string[]
      let result: NonNullable<Move['verified']>
      try {
        await this.#endWrites(siloLedger ?? ledger, from, tenant)
        await this.#catchUp(ledger, tenant, since, transfer)
        await advanceSequences(transfer)
        await checkSharedReferences(transfer)
        const verified = await verifyEqual(transfer)
        await places.open(tenant, move)
        if (siloLedger !== undefined) {
          await pause.holdSilo()
          await from.custodian.end(tenant, undefined, 'moved')
        }
        await pause.settle()
        left = await changePlaces(ledger, tenant, { verified, pausedMs: pause.lasted })
        result = { verified, pausedMs: pause.lasted }
      } catch (error) {
        await pause.release()
        throw error
      }
      await this.#endSessions(left as LeaseId[])
      return result
    }
    if (present.tier !== 'silo') return swap(undefined)
    return withClient(from.admin(from.names.custodyDatabase), swap)
  }

  /** Ends the tenant's write leases where it is, and waits until their sessions are gone. */
  async #endWrites(ledger: pg.Client, site: Site, tenant: TenantId): Promise<void> {
    const { rows } = await ledger.query<{ lease_id: LeaseId }>(
      `select l.lease_id from custody.lease l join custody.tenant t on t.key = l.key
       where t.tenant_id = $1 and l.scope = 'write' and not l.drained`,
      [tenant],
    )
    await Promise.all(rows.map(({ lease_id }) => site.custodian.end(tenant, lease_id, 'moved')))
  }

  async #endSessions(leases: readonly LeaseId[]): Promise<void> {
    await this.#options.site.custodian.drain(leases)
  }

  /** A silo that was left gives no lease ever again, also to who still takes it for the place. */
  async #shutSilo(tenant: TenantId, place: TenantPlace): Promise<void> {
    const { places } = this.#options
    if (place.tier !== 'silo' || !places.silos().exists(place.key)) return
    const silo = await places.siteOf(place)
    await silo.shut(tenant)
    await silo.custodian.end(tenant, undefined, 'moved')
  }

  #result(tenant: TenantId, place: TenantPlace, found: Move['verified']): CutOver {
    const { verified = [], pausedMs = 0 } = found ?? {}
    const { key, tier, database } = place
    const placement = { tenant, tier, cell: this.#options.cell, key, place: database }
    return { placement, verified, pausedMs }
  }

  async #transfer<T>(
    { present, move }: Moving,
    work: (transfer: Transfer) => Promise<T>,
  ): Promise<T> {
    const { places, site } = this.#options
    const end = async (place: TenantPlace): Promise<End> => {
      const holder = await places.siteOf(place)
      const database = place.tier === 'silo' ? holder.names.pooledDatabase : place.database
      return { admin: holder.admin(database), key: place.key }
    }
    return Transfer.between(await end(present), await end(move), site.application, work)
  }

  #onTenant<T>(
    tenant: TenantId,
    work: (ledger: pg.Client, found: Whereabouts | undefined) => Promise<T>,
  ): Promise<T> {
    return typed(() =>
      this.#options.site.onTenant(tenant, async (ledger) =>
        work(ledger, await whereabouts(ledger, tenant)),
      ),
    )
  }
}

function activePlace(found: Whereabouts | undefined): Whereabouts['present'] {
  if (found?.present.status !== 'active') {
    throw new RingfenceError('tenant_unknown', 'no such active tenant')
  }
  return found.present
}

function copiedMove(found: Whereabouts | undefined): Moving {
  const present = activePlace(found)
  const move = found?.move
  if (move === undefined) throw refused('no move is under way')
  if (move.phase === 'copying') throw refused('it is not copied yet; prepare the move again')
  if (move.phase === 'left') throw refused('it has moved already')
  return { present, move }
}

async function progress(
  { present, move }: Moving,
  transfer: Transfer,
  copied: number,
): Promise<MoveProgress> {
  const items = []
  for (const table of transfer.tables) {
    items.push({ item: table.name, count: await count(transfer, table) })
  }
  return { from: present.tier, to: move.tier, copied, items }
}

function refused(why: string): RingfenceError {
  return new RingfenceError('move_failed', `the tenant does not move: ${why}`)
}
