import { createHmac, randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Actor, ApprovalView } from '../../control/control-plane.ts'
import { RingfenceError } from '../../core/errors.ts'
import { CHIEF, type Site } from '../house/site.ts'
import { instead, mutant, type OfficeMutant, worsePlane } from './office-mutant.ts'

type Amiss = 'signature' | 'window' | 'memory' | 'id' | 'case'
const WINDOW_SECONDS = 300

/** Decisions from outside, read by hand, with one thing amiss, or none. */
export function carelessWebhook({ ground, plane }: Site, amiss?: Amiss) {
  const remembered = new Set<string>()
  return async (headers: Readonly<Record<string, string>>, text: string): Promise<ApprovalView> => {
    const id = headers['webhook-id'] ?? ''
    const at = headers['webhook-timestamp'] ?? ''
    const key = Buffer.from(ground.webhookSecret.slice('whsec_'.length), 'base64')
    const data = JSON.parse(text) as {
      data: { approval: string; approve: boolean; decided_by: string }
    }
    const { approval, approve, decided_by } = data.data
    const mac = createHmac('sha256', key).update(`${id}.${at}.${text}`).digest('base64')
    const given = headers['webhook-signature'] ?? ''
    const good = given === `v1,${mac}` || (amiss === 'memory' && remembered.has(given))
    const age = Math.abs(Date.now() / 1000 - Number(at))
    if ((amiss !== 'signature' && !good) || (amiss !== 'window' && age > WINDOW_SECONDS)) {
      throw new RingfenceError('not_authenticated', 'the message is not good')
    }
    if (good) remembered.add(given)
    const decidedBy = amiss === 'case' ? decided_by : decided_by.trim().toLowerCase()
    return plane.approvals.decideOutside({
      id: amiss === 'id' ? randomUUID() : id,
      approval,
      approve,
      comment: undefined,
      channel: 'webhook',
      decidedBy,
    })
  }
}

function webhooks(id: Amiss, title: string, noticedBy: readonly string[]): OfficeMutant {
  return mutant(
    `ca-webhooks-${id}`,
    title,
    noticedBy,
    worsePlane(({ approvals }, site) => ({
      approvals: instead(approvals, { receiveWebhook: carelessWebhook(site, id) }),
    })),
  )
}

/** Writes a decision whatever was decided before. */
async function lastWins(
  { database, plane }: Site,
  id: string,
  approve: boolean,
  by: Actor,
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
        decide: (id, approve, comment, by) =>
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
  webhooks('signature', 'Signatures of decisions are not looked at', [
    'ca-webhook-unsigned',
    'ca-webhook-forged',
    'ca-webhook-body',
    'ca-webhook-other-approval',
  ]),
  webhooks('memory', 'Good signatures are remembered, and not for which message', [
    'ca-webhook-other-approval',
  ]),
  webhooks('window', 'Decisions of any age are taken', ['ca-webhook-old']),
  webhooks('id', 'Ids of messages are not remembered', ['ca-webhook-id-again']),
  webhooks('case', 'Names are compared letter by letter', ['ca-webhook-requester']),
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
