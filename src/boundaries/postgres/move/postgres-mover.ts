import type pg from 'pg'
import { RingfenceError } from '../../../core/errors.ts'
import type { CellName, TenantId, Tier } from '../../../core/tenant.ts'
import type { CutOver, Erasure, MoveProgress, Mover } from '../../boundary.ts'
import { typed, withClient } from '../connection.ts'
import { ERASURE_NOT_COVERED } from '../erase.ts'
import {
  enterMove,
  forgetMove,
  giveUpMove,
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
import { catchUp, cutOver, shutSilo } from './cut-over.ts'
import { copyWhole, count } from './copy-rows.ts'
import type { MoveStep } from './move-steps.ts'
import { advanceSequences } from './sequences.ts'
import { type End, Transfer } from './transfer.ts'
import { checkSharedReferences } from './verify.ts'
import { letWrite } from './write-pause.ts'

export interface MoverOptions {
  readonly cell: CellName
  readonly site: Site
  readonly places: Places
  readonly tiers: readonly Tier[]
  /** Told of each step when it is done, and waited for. For tests that stop there. */
  readonly onStep?: (step: MoveStep) => Promise<void>
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
      if (found?.move?.phase === 'dropping') await this.#giveUp(ledger, tenant, found.move)
      const begun = found?.move?.phase === 'dropping' ? undefined : found?.move
      const move = begun ?? (await this.#enter(ledger, tenant, present.tier, to))
      if (move.phase === 'left') throw refused('the last move is not finished; finish it first')
      if (move.tier !== to) throw refused(`it is already moving to ${move.tier}; abort that first`)
      const moving = { present, move }
      if (move.phase === 'copied') return this.#transfer(moving, (t) => progress(moving, t, 0))
      await places.make(tenant, present.region, move)
      await this.#step('made')
      return this.#transfer(moving, async (transfer) => {
        const { copied, horizon } = await transfer.reading(async (reading) => {
          let copied = 0
          for (const table of transfer.tables) {
            copied += await transfer.writing(() => copyWhole(transfer, table))
          }
          return { copied, horizon: reading.horizon }
        })
        await this.#step('copied')
        await checkSharedReferences(transfer)
        await advanceSequences(transfer)
        // Without knowing the new rows the planner would choose badly in the pause.
        for (const { qualified } of transfer.tables)
          await transfer.target.query(`analyze ${qualified}`)
        await noteCopied(ledger, tenant, horizon)
        await this.#step('noted')
        return progress(moving, transfer, copied)
      })
    })
  }

  catchUp(tenant: TenantId): Promise<MoveProgress> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const moving = copiedMove(found)
      return this.#transfer(moving, async (transfer) => {
        const copied = await catchUp(ledger, tenant, moving.move.since, transfer)
        return progress(moving, transfer, copied.rows)
      })
    })
  }

  cutOver(tenant: TenantId): Promise<CutOver> {
    return this.#onTenant(tenant, async (ledger, found) => {
      if (found?.move?.phase === 'left') {
        await this.#endSessionsOnLeft(ledger, tenant)
        await shutSilo(this.#options.places, tenant, found.move)
        return this.#result(tenant, found.present, found.move.verified)
      }
      const moving = copiedMove(found)
      const result = await this.#transfer(moving, async (transfer) => {
        // Once more outside the pause, so that little is left for it.
        const { horizon } = await catchUp(ledger, tenant, moving.move.since, transfer)
        return cutOver({ ...this.#options, ledger, tenant, ...moving, transfer, since: horizon })
      })
      await shutSilo(this.#options.places, tenant, moving.present)
      return this.#result(tenant, moving.move, result)
    })
  }

  abortMove(tenant: TenantId): Promise<void> {
    return this.#onTenant(tenant, async (ledger, found) => {
      if (found?.move === undefined) return
      const { move } = found
      await this.#letWrite(ledger, tenant, found.present)
      if (move.phase === 'left') throw refused('it has moved already; move it back instead')
      await this.#giveUp(ledger, tenant, move)
    })
  }

  finishMove(tenant: TenantId): Promise<Erasure> {
    return this.#onTenant(tenant, async (ledger, found) => {
      const { site, places } = this.#options
      const move = found?.move
      const erasure = { tenant, erasedAt: new Date(), notCovered: ERASURE_NOT_COVERED }
      if (move === undefined) return { ...erasure, deleted: [], probes: [] }
      if (move.phase !== 'left') throw refused('it has not moved yet; cut over or abort first')
      await this.#endSessionsOnLeft(ledger, tenant)
      const { deleted, probes } = await places.drop(move)
      await this.#step('dropped')
      await site.disown(ledger, move)
      const logins = await forgetMove(ledger, site.names, tenant, move.key)
      await this.#step('forgotten')
      return {
        ...erasure,
        erasedAt: new Date(),
        deleted: [...deleted, { item: 'logins', count: logins }],
        probes,
      }
    })
  }

  async #giveUp(ledger: pg.Client, tenant: TenantId, move: Move): Promise<void> {
    await giveUpMove(ledger, tenant)
    await this.#options.places.drop(move)
    await this.#step('dropped')
    await forgetMove(ledger, this.#options.site.names, tenant, move.key)
    await this.#step('forgotten')
  }

  async #enter(ledger: pg.Client, tenant: TenantId, from: Tier, to: Tier): Promise<Move> {
    const { names } = this.#options.site
    if (from === to) throw refused(`it is ${to} already`)
    const key = newTenantKey()
    const database = to === 'bridge' ? bridgeDatabase(names, key) : names.pooledDatabase
    await enterMove(ledger, tenant, { key, tier: to, database })
    await this.#step('entered')
    return { key, tier: to, database, phase: 'copying', since: undefined, verified: undefined }
  }

  async #endSessionsOnLeft(ledger: pg.Client, tenant: TenantId): Promise<void> {
    await this.#options.site.custodian.drain(await leasesOnLeft(ledger, tenant))
  }

  /** Ends the hold that a killed cut-over left. */
  async #letWrite(ledger: pg.Client, tenant: TenantId, present: TenantPlace): Promise<void> {
    if (present.tier === 'silo') {
      const silo = await this.#options.places.siteOf(present)
      await withClient(silo.admin(silo.names.custodyDatabase), (own) => letWrite(own, tenant))
    }
    await letWrite(ledger, tenant)
  }

  async #step(step: MoveStep): Promise<void> {
    await this.#options.onStep?.(step)
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
  if (move.phase === 'dropping') throw refused('it was given up; prepare the move again')
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
