import type pg from 'pg'
import type { LeaseId } from '../../../core/lease.ts'
import type { TenantId } from '../../../core/tenant.ts'
import { withClient } from '../connection.ts'
import {
  changePlaces,
  type Move,
  noteCopied,
  type TenantPlace,
  type Whereabouts,
} from '../ledger-moves.ts'
import type { Places } from '../places.ts'
import type { Site } from '../site.ts'
import { copyChanges } from './copy-rows.ts'
import type { MoveStep } from './move-steps.ts'
import { advanceSequences } from './sequences.ts'
import type { Transfer } from './transfer.ts'
import { checkSharedReferences, verifyEqual } from './verify.ts'
import { WritePause } from './write-pause.ts'

/** Brings the target to the source's present state, and notes it. `since`: as of when it is. */
export async function catchUp(
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

export interface CutOverOptions {
  readonly site: Site
  readonly places: Places
  readonly ledger: pg.Client
  readonly tenant: TenantId
  readonly present: Whereabouts['present']
  readonly move: Move
  readonly transfer: Transfer
  readonly since: bigint
  readonly onStep?: (step: MoveStep) => Promise<void>
}

/**
 * The write pause and the swap. Until `changePlaces` commits, the tenant is where it was, and whatever
 * fails lets it write there again; from then on it is in the new place.
 */
export async function cutOver(options: CutOverOptions): Promise<NonNullable<Move['verified']>> {
  const { site, places, ledger, tenant, present, move, transfer } = options
  const step = async (name: MoveStep) => options.onStep?.(name)
  const from = await places.siteOf(present)
  const swap = async (siloLedger: pg.Client | undefined) => {
    const pause = await WritePause.begin(tenant, ledger, siloLedger)
    let left: readonly LeaseId[]
    let result: NonNullable<Move['verified']>
    try {
      await step('held')
      await endWriters(siloLedger ?? ledger, from, tenant)
      await step('writers ended')
      await catchUp(ledger, tenant, options.since, transfer)
      await advanceSequences(transfer)
      await step('caught up')
      await checkSharedReferences(transfer)
      const verified = await verifyEqual(transfer)
      await step('verified')
      await places.open(tenant, move)
      if (siloLedger !== undefined) {
        // Its ledger cannot be changed in the same step as the cell's: it gives no lease meanwhile.
        await pause.holdSilo()
        await from.custodian.end(tenant, undefined, 'moved')
      }
      await step('opened')
      await pause.settle()
      left = await changePlaces(ledger, tenant, { verified, pausedMs: pause.lasted })
      result = { verified, pausedMs: pause.lasted }
    } catch (error) {
      await pause.release()
      throw error
    }
    await step('swapped')
    await site.custodian.drain(left)
    await step('sessions ended')
    return result
  }
  if (present.tier !== 'silo') return swap(undefined)
  return withClient(from.admin(from.names.custodyDatabase), swap)
}

/** Ends the tenant's write leases where it is, and waits until their sessions are gone. */
async function endWriters(ledger: pg.Client, site: Site, tenant: TenantId): Promise<void> {
  const { rows } = await ledger.query<{ lease_id: LeaseId }>(
    `select l.lease_id from custody.lease l join custody.tenant t on t.key = l.key
     where t.tenant_id = $1 and l.scope = 'write' and not l.drained`,
    [tenant],
  )
  await Promise.all(rows.map(({ lease_id }) => site.custodian.end(tenant, lease_id, 'moved')))
}

/** A silo that was left gives no lease ever again, also to who still takes it for the place. */
export async function shutSilo(places: Places, tenant: TenantId, left: TenantPlace): Promise<void> {
  if (left.tier !== 'silo' || !places.silos().isWhole(left.key)) return
  const silo = await places.siteOf(left)
  await silo.shut(tenant)
  await silo.custodian.end(tenant, undefined, 'moved')
}
