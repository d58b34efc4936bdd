import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { parsed } from '../core/parsed.ts'
import { parseTenantId } from '../core/tenant.ts'
import { type ApprovalView, WORKFLOW_KINDS } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import { GUARDED_KINDS } from './operators/guarded-acts.ts'

export const APPROVAL_STATES = ['pending', 'approved', 'refused', 'expired'] as const

const rowSchema = z.object({
  id: z.string(),
  seq: z.string(),
  workflow: z.string().nullable(),
  tenant: parsed(parseTenantId).nullable(),
  kind: z.enum([...WORKFLOW_KINDS, ...GUARDED_KINDS]),
  subject: z.string().nullable(),
  summary: z.string().nullable(),
  names: z.string().nullable(),
  requested_by: z.string(),
  requested_person: z.string().nullable(),
  requested_at: z.date(),
  expires_at: z.date(),
  state: z.enum(APPROVAL_STATES),
  decided_by: z.string().nullable(),
  decided_at: z.date().nullable(),
  comment: z.string().nullable(),
  external_ref: z.string().nullable(),
})
export type ApprovalRow = z.output<typeof rowSchema>

export const APPROVAL_COLUMNS = Object.keys(rowSchema.shape).join(', ')

export function approvalRowOf(row: unknown): ApprovalRow {
  return rowSchema.parse(row)
}

export function approvalView(row: ApprovalRow): ApprovalView {
  return {
    id: row.id,
    workflow: row.workflow ?? undefined,
    tenant: row.tenant ?? undefined,
    kind: row.kind,
    subject: row.subject ?? undefined,
    summary: row.summary ?? undefined,
    ...(row.names === null ? {} : { names: row.names }),
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    expiresAt: row.expires_at,
    state: row.state,
    decidedBy: row.decided_by ?? undefined,
    decidedAt: row.decided_at ?? undefined,
    comment: row.comment ?? undefined,
    externalRef: row.external_ref ?? undefined,
  }
}

/** @throws RingfenceError `internal`: a workflow that waits for an approval has one */
export async function approvalOfWorkflow(
  database: Pick<Tx, 'query'>,
  workflow: string,
): Promise<ApprovalView> {
  const [row] = await database.query(
    `select ${APPROVAL_COLUMNS} from registry.approval where workflow = $1`,
    [workflow],
  )
  if (row === undefined) throw new RingfenceError('internal', 'the approval is not there')
  return approvalView(approvalRowOf(row))
}
