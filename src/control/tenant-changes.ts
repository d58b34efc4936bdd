import { isDeepStrictEqual } from 'node:util'
import { type AuditDraft, makeEntry } from '../audit/make-entry.ts'
import { submitEntries } from '../audit/submit-entries.ts'
import { RingfenceError } from '../core/errors.ts'
import { publishChange } from '../snapshot/publish.ts'
import type { SigningKey } from '../tokens/signing-key.ts'
import { shownRequestId } from './act-entries.ts'
import { breaks } from '../database/server-errors.ts'
import type { Tx } from '../database/pooled-database.ts'
import { forgetDeclared, tenantParts } from './manifests/declared-parts.ts'
import { configOf, TENANT_COLUMNS, type TenantRow, tenantRowOf } from './tenant-row.ts'
import { checkTransition } from './tenant-status.ts'

/** What may change of a tenant that is there. Its region may not. */
export type TenantPatch = Partial<
  Pick<
    TenantRow,
    | 'display_name'
    | 'tier'
    | 'plan'
    | 'status'
    | 'cell'
    | 'issuer'
    | 'keys'
    | 'hosts'
    | 'serving'
    | 'legal_hold'
  >
>

/** Who changes it and why, for the record of its statuses. */
export interface Cause {
  readonly by: string
  readonly why: string
  readonly requestId: string
}

/**
 * Changes tenants: the registry, the record of statuses and the published snapshot in one
 * transaction, so that nobody ever reads two truths.
 */
export class TenantChanges {
  readonly #key: SigningKey

  /** @param key signs the snapshot */
  constructor(key: SigningKey) {
    this.#key = key
  }

  /**
   * Changes a tenant that the transaction has locked. Publishing comes last in it, because publishers
   * wait for each other from then on.
   * @throws RingfenceError `conflict` for a status that may not follow, `already_exists` for a host
   *   name of another tenant
   */
  async change(tx: Tx, before: TenantRow, patch: TenantPatch, cause: Cause): Promise<TenantRow> {
    const after = await this.write(tx, before, patch, cause)
    await this.#publish(tx, before, after)
    return after
  }

  /** The same, for whoever publishes it with more in the same transaction. */
  async write(tx: Tx, before: TenantRow, patch: TenantPatch, cause: Cause): Promise<TenantRow> {
    if (patch.status !== undefined && patch.status !== before.status) {
      checkTransition(before.status, patch.status)
    }
    const after = await update(tx, before, patch)
    if (after.status !== before.status) await recordStatus(tx, after, before.status, cause)
    if (patch.hosts !== undefined) await keepHosts(tx, after)
    if (after.status === 'erased') await forgetDeclared(tx, after.id)
    return after
  }

  /** The record of a tenant's first status. */
  async entered(tx: Tx, row: TenantRow, from: TenantRow['status'] | null, cause: Cause) {
    await recordStatus(tx, row, from, cause)
    await keepHosts(tx, row)
  }

  async #publish(tx: Tx, before: TenantRow, after: TenantRow): Promise<void> {
    const parts = await tenantParts(tx, after.id)
    const [old, now] = [configOf(before, parts), configOf(after, parts)]
    if (isDeepStrictEqual(old, now)) return
    await publishChange(tx.client, this.#key, {
      tenants: now === undefined ? [] : [now],
      removed: now === undefined ? [after.id] : [],
    })
  }
}

async function update(tx: Tx, before: TenantRow, patch: TenantPatch): Promise<TenantRow> {
  const entries = Object.entries(patch).map(
    ([column, value]) => [column, column === 'keys' ? JSON.stringify(value) : value] as const,
  )
  const [row] = await tx.query(
    `update registry.tenant
        set ${entries.map(([column], index) => `${column} = $${index + 2}, `).join('')}
            revision = revision + 1, changed_at = clock_timestamp()
      where id = $1 returning ${TENANT_COLUMNS}`,
    [before.id, ...entries.map(([, value]) => value)],
  )
  return tenantRowOf(row)
}

async function recordStatus(
  tx: Tx,
  row: TenantRow,
  from: TenantRow['status'] | null,
  { by, why, requestId }: Cause,
): Promise<void> {
  await tx.query(
    `insert into registry.status_change (tenant, from_status, to_status, by, why, request_id)
     values ($1, $2, $3, $4, $5, $6)`,
    [row.id, from, row.status, by, why, requestId],
  )
  const draft: AuditDraft = {
    category: 'lifecycle',
    action: 'tenant.status',
    actor: { kind: 'platform', id: 'control' },
    object: { type: 'tenant', id: row.id },
    decision: 'done',
    layer: 'control',
    request_id: requestId,
    detail: { from, to: row.status },
  }
  // By whom and why is the operators': the tenant is told what holds.
  await submitEntries(tx, [
    makeEntry({ ...draft, reason: why, detail: { ...draft.detail, by } }),
    makeEntry({ ...draft, tenant: row.id, request_id: shownRequestId(requestId) }),
  ])
}

/** A host name has one tenant: two would let one speak in the other's name. */
async function keepHosts(tx: Tx, row: TenantRow): Promise<void> {
  await tx.query('delete from registry.host where tenant = $1', [row.id])
  try {
    await tx.query('insert into registry.host (host, tenant) select unnest($1::text[]), $2', [
      row.hosts,
      row.id,
    ])
  } catch (error) {
    if (!breaks(error, 'host_pkey')) throw error
    throw new RingfenceError('already_exists', 'a host name is taken already')
  }
}
