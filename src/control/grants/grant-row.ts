import { z } from 'zod'
import { type GrantConfig, grantSchema } from '../../contracts/grant.ts'
import { type GrantId, parseGrantId } from '../../core/names.ts'
import { parsed } from '../../core/parsed.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { GrantEvent, GrantView } from './grants.ts'

const rowSchema = z.object({
  tenant: parsed(parseTenantId),
  id: parsed(parseGrantId),
  grantee: parsed(parseTenantId),
  spec: grantSchema,
  state: z.enum(['offered', 'active', 'refused', 'revoked']),
  expires_at: z.date(),
  offered_by: z.string(),
  offered_at: z.date(),
  accepted_by: z.string().nullable(),
  accepted_at: z.date().nullable(),
  ended_side: z.enum(['grantor', 'grantee', 'operator']).nullable(),
  ended_by: z.string().nullable(),
  ended_at: z.date().nullable(),
})
export type GrantRow = z.output<typeof rowSchema>

export const GRANT_COLUMNS = Object.keys(rowSchema.shape).join(', ')

export function grantRowOf(row: unknown): GrantRow {
  return rowSchema.parse(row)
}

/** The grant, locked, if it is the tenant's by either side; of whichever tenants for an operator. */
export async function lockGrant(
  tx: Tx,
  id: GrantId,
  tenant: TenantId | undefined,
): Promise<GrantRow | undefined> {
  const [row] = await tx.query(
    `select ${GRANT_COLUMNS} from registry.delegation
      where id = $1 and ($2::text is null or tenant = $2 or grantee = $2) for update`,
    [id, tenant ?? null],
  )
  return row === undefined ? undefined : grantRowOf(row)
}

/** Grants of a tenant that are in force, or will be, for its configuration. */
export async function activeGrants(
  tx: Pick<Tx, 'query'>,
  tenant: TenantId,
): Promise<readonly GrantConfig[]> {
  const rows = await tx.query<{ spec: unknown }>(
    `select spec from registry.delegation
      where tenant = $1 and state = 'active' and expires_at > clock_timestamp() order by seq`,
    [tenant],
  )
  return rows.map(({ spec }) => grantSchema.parse(spec))
}

/** @param viewer whose names it may see; undefined: an operator, who sees both sides' */
export function grantView(row: GrantRow, viewer: TenantId | undefined): GrantView {
  const isOver = row.expires_at.getTime() <= Date.now()
  const live = row.state === 'offered' || row.state === 'active'
  return {
    ...row.spec,
    grantor: row.tenant,
    state: live && isOver ? 'expired' : row.state,
    events: eventsOf(row).map((event) => ({
      ...event,
      by: sees(row, event.side, viewer) ? event.by : undefined,
    })),
  }
}

function eventsOf(row: GrantRow): readonly GrantEvent[] {
  const { offered_at, offered_by, accepted_at, accepted_by, ended_at, ended_by, ended_side } = row
  const events: GrantEvent[] = [
    { what: 'offered', at: offered_at, side: 'grantor', by: offered_by },
  ]
  if (accepted_at !== null) {
    events.push({
      what: 'accepted',
      at: accepted_at,
      side: 'grantee',
      by: accepted_by ?? undefined,
    })
  }
  if (ended_at !== null) {
    const what = row.state === 'refused' ? 'refused' : 'revoked'
    events.push({ what, at: ended_at, side: ended_side ?? 'operator', by: ended_by ?? undefined })
  }
  return events
}

function sees(row: GrantRow, side: GrantEvent['side'], viewer: TenantId | undefined): boolean {
  if (viewer === undefined) return true
  if (side === 'operator') return false
  return viewer === (side === 'grantor' ? row.tenant : row.grantee)
}
