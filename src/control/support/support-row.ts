import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { SCOPES } from '../../core/lease.ts'
import { parsed } from '../../core/parsed.ts'
import {
  needsConsent,
  needsSecondPerson,
  SUPPORT_POLICIES,
  SUPPORT_STATES,
  type SupportChange,
} from '../../core/support-terms.ts'
import { parseTenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Needs } from './support-state.ts'
import type { SupportView } from './support.ts'

const rowSchema = z.object({
  id: z.string(),
  seq: z.string(),
  tenant: parsed(parseTenantId),
  operator: z.string(),
  requested_by: z.string(),
  requested_person: z.string().nullable(),
  scope: z.enum(SCOPES),
  seconds: z.number(),
  reason: z.string(),
  policy: z.enum(SUPPORT_POLICIES),
  state: z.enum(SUPPORT_STATES),
  alone: z.boolean(),
  approval: z.string().nullable(),
  approved_by: z.string().nullable(),
  consented_by: z.string().nullable(),
  requested_at: z.date(),
  decide_by: z.date(),
  ends_at: z.date().nullable(),
  revision: z.number(),
})
export type SupportRow = z.output<typeof rowSchema>

export const SUPPORT_COLUMNS = Object.keys(rowSchema.shape).join(', ')

export function supportRowOf(row: unknown): SupportRow {
  return rowSchema.parse(row)
}

/** Who has to agree to this one. */
export function needsOf({ policy, alone }: Pick<SupportRow, 'policy' | 'alone'>): Needs {
  return { consent: needsConsent(policy), secondPerson: needsSecondPerson(policy) && !alone }
}

const changeSchema = z.object({
  access: z.string(),
  at: z.date(),
  from_state: z.enum(SUPPORT_STATES).nullable(),
  to_state: z.enum(SUPPORT_STATES),
  by: z.string(),
  why: z.string(),
})

/** The accesses with all that became of them. */
export async function supportViews(
  tx: Pick<Tx, 'query'>,
  rows: readonly SupportRow[],
): Promise<readonly SupportView[]> {
  const found = await tx.query(
    `select access, at, from_state, to_state, by, why from registry.support_change
      where access = any ($1) order by id`,
    [rows.map(({ id }) => id)],
  )
  const changes = found.map((row) => changeSchema.parse(row))
  return rows.map((row) =>
    viewOf(
      row,
      changes
        .filter(({ access }) => access === row.id)
        .map(({ at, from_state, to_state, by, why }) => ({
          at,
          from: from_state ?? undefined,
          to: to_state,
          by,
          why,
        })),
    ),
  )
}

function viewOf(row: SupportRow, changes: readonly SupportChange[]): SupportView {
  const { id, tenant, operator, scope, seconds, reason, policy, state, alone, revision } = row
  return {
    ...{ id, tenant, operator, scope, seconds, reason, policy, state, alone, revision, changes },
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    decideBy: row.decide_by,
    endsAt: row.ends_at ?? undefined,
    approval: row.approval ?? undefined,
    approvedBy: row.approved_by ?? undefined,
    consentedBy: row.consented_by ?? undefined,
  }
}

export async function findSupport(tx: Pick<Tx, 'query'>, id: string): Promise<SupportRow> {
  const [row] = await tx.query(
    `select ${SUPPORT_COLUMNS} from registry.support_access where id = $1`,
    [id],
  )
  if (row === undefined) throw noSuchSupport()
  return supportRowOf(row)
}

/** Locked against every other change until the transaction ends. @throws `not_found` */
export async function lockSupport(tx: Tx, id: string): Promise<SupportRow> {
  const [row] = await tx.query(
    `select ${SUPPORT_COLUMNS} from registry.support_access where id = $1 for update`,
    [id],
  )
  if (row === undefined) throw noSuchSupport()
  return supportRowOf(row)
}

function noSuchSupport(): RingfenceError {
  return new RingfenceError('not_found', 'no such support access')
}
