import { RingfenceError } from '../../core/errors.ts'
import { type CellName, parseCellName } from '../../core/tenant.ts'
import type { Placement } from '../../boundaries/boundary.ts'
import { announceStep, approvalStep } from './approval-steps.ts'
import type { Definition, Step } from './definition.ts'
import { keepPlacements } from './placements.ts'
import { smokeStep } from './smoke.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { TenantRow } from '../tenant-row.ts'

/** The transaction that counts a cell's tenants holds the cells of the region, so that none overfills. */
async function chooseCell(tx: Tx, tenant: TenantRow): Promise<CellName> {
  const cells = await tx.query<{ name: string; capacity: number }>(
    'select name, capacity from registry.cell where region = $1 and open order by name for update',
    [tenant.region],
  )
  const counts = await tx.query<{ cell: string; count: number }>(
    `select cell, count(*)::int as count from registry.tenant
      where cell = any ($1) and status <> 'erased' group by cell`,
    [cells.map(({ name }) => name)],
  )
  const used = new Map(counts.map(({ cell, count }) => [cell, count]))
  const [best] = cells
    .map(({ name, capacity }) => ({ name, left: capacity - (used.get(name) ?? 0) }))
    .filter(({ left }) => left > 0)
    .sort((one, other) => other.left - one.left)
  if (best === undefined) {
    throw new RingfenceError('no_capacity', `no open cell of ${tenant.region} has room`)
  }
  return parseCellName(best.name)
}

const place: Step = {
  run: async ({ changes, cause }) => ({
    note: 'placed in its region',
    apply: async (tx, tenant) => {
      const cell = tenant.cell ?? (await chooseCell(tx, tenant))
      await changes.change(
        tx,
        tenant,
        { cell, status: 'provisioning' },
        { ...cause, why: `placed in ${cell}` },
      )
    },
  }),
}

const provision: Step = {
  run: async (work) => {
    const { id, tier, region, cell } = work.tenant
    const placements: Placement[] = []
    const boundaries = await work.boundaries()
    for (const boundary of boundaries) {
      const placement = await boundary.provision({ id, tier, region })
      if (placement.cell !== cell) {
        throw new RingfenceError('conflict', `${boundary.engine} placed it in another cell`)
      }
      placements.push(placement)
    }
    return {
      note: `has a place in ${boundaries.map(({ engine }) => engine).join(', ')} of ${cell}`,
      apply: (tx) => keepPlacements(tx, work.tenant.id, boundaries, placements),
    }
  },
}

const realm: Step = {
  run: async ({ ports, tenant, changes, cause }) => {
    const { issuer, keys } = await ports.realms.ensure(tenant.id, tenant.display_name)
    return {
      note: `its issuer is ${issuer}`,
      apply: async (tx, row) => {
        await changes.change(tx, row, { issuer, keys: [...keys] }, cause)
      },
    }
  },
}

/** Opens the realm and publishes the tenant as active. The checks held just before. */
export const activateStep: Step = {
  run: async ({ ports, tenant, changes, cause, workflow }) => {
    await ports.realms.setOpen(tenant.id, true)
    return {
      note: 'active',
      apply: async (tx, row) => {
        await changes.change(
          tx,
          row,
          { status: 'active', serving: 'active' },
          { ...cause, why: `${workflow.kind}: all live checks held` },
        )
      },
    }
  },
}

/** request → approval, if the plan asks for one → cell → place in each engine → realm → checks → active */
export const onboard: Definition = {
  kind: 'onboard',
  steps: {
    announce: announceStep,
    approval: approvalStep,
    place,
    provision,
    realm,
    smoke: smokeStep,
    activate: activateStep,
  },
  /** Only before it is placed: after that, offboarding is the way. */
  undo: async ({ tenant, changes, cause }) => {
    if (tenant.status !== 'requested') {
      throw new RingfenceError('conflict', 'it is under way: offboard the tenant instead')
    }
    return async (tx, row) => {
      await changes.change(tx, row, { status: 'erased' }, { ...cause, why: 'called off' })
    }
  },
}
