import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Actor, ApprovalView } from '../../control/control-plane.ts'
import { CHIEF, type Site } from '../house/site.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

/** Writes a decision whatever was decided before. */
export async function lastWins(
  { database, plane }: Site,
  id: string,
  approve: boolean,
  by: Pick<Actor, 'name'>,
): Promise<ApprovalView> {
  await database.query(
    `update registry.approval set state = $2, decided_by = $3, decided_at = clock_timestamp()
      where id = $1`,
    [id, approve ? 'approved' : 'refused', by.name],
  )
  return plane.approvals.get(id)
}

export const DECISIONS: readonly OfficeMutant[] = [
  mutant(
    'ca-requester-decides',
    'The requester is looked for under another name than it decides by',
    ['ca-approval-by-requester'],
    worsePlane(({ approvals }) => ({
      approvals: instead(approvals, {
        decide: (id, approve, comment, { person: _person, ...by }) =>
          approvals.decide(id, approve, comment, { ...by, name: `operator:${by.name}` }),
      }),
    })),
  ),
  mutant(
    'ca-last-decision-wins',
    'The last decision stands',
    ['ca-approval-race', 'ca-approval-decided-again'],
    worsePlane(({ approvals }, site) => ({
      approvals: instead(approvals, {
        decide: (id, approve, _comment, by) => lastWins(site, id, approve, by),
      }),
    })),
  ),
  mutant(
    'ca-hold-lifted',
    'An offboarding lifts the legal hold',
    ['ca-erase-under-hold'],
    worsePlane(({ tenants }) => ({
      tenants: instead(tenants, {
        offboard: async (tenant, how, by) => {
          await tenants.update(tenant, { legalHold: false }, undefined, CHIEF)
          return tenants.offboard(tenant, how, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-hold-asked-once',
    'A legal hold counts when an offboarding begins, and not when it is hastened',
    ['ca-hold-too-late'],
    worsePlane(({ tenants }) => ({
      tenants: instead(tenants, {
        offboard: async (tenant, how, by) => {
          const { status } = await tenants.get(tenant)
          // It was asked about when the offboarding began: what came later is in the way.
          if (status === 'offboarding') {
            await tenants.update(tenant, { legalHold: false }, undefined, CHIEF)
          }
          return tenants.offboard(tenant, how, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-region-next-best',
    'A region without room falls back to one that has some',
    ['ca-region-without-room'],
    worsePlane(({ tenants, catalogue }) => ({
      tenants: instead(tenants, {
        create: async (request, by) => {
          try {
            return await tenants.create(request, by)
          } catch {
            const [cell] = (await catalogue.cells()).filter(({ capacity }) => capacity > 0)
            return tenants.create({ ...request, ...(cell && { region: cell.region }) }, by)
          }
        },
      }),
    })),
  ),
  mutant(
    'ca-cell-moves',
    'A cell may be put into another region',
    ['ca-region-of-cell'],
    worsePlane(({ catalogue }, { database }) => ({
      catalogue: instead(catalogue, {
        putCell: async (cell, by) => {
          const { name, region } = cell
          await database.query(
            `update registry.cell set region = $2 where name = $1
                and not exists (select from registry.tenant where cell = $1)`,
            [name, region],
          )
          return catalogue.putCell(cell, by)
        },
      }),
    })),
  ),
  mutant(
    'ca-exports-anywhere',
    'Names of exported items are not looked at',
    ['ca-export-path'],
    worsePlane(({ tenants }, { world, exportDirectory }) => ({
      tenants: instead(tenants, {
        export: async (tenant, by) => {
          const begun = await tenants.export(tenant, by)
          const below = join(exportDirectory, tenant, begun.id, 'memory')
          await mkdir(below, { recursive: true })
          for (const [item, text] of world.find(tenant)?.items ?? []) {
            await writeFile(join(below, `${item}.ndjson`), text).catch(() => undefined)
          }
          return begun
        },
      }),
    })),
  ),
]
