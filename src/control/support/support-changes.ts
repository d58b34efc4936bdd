import type { AuditEntry } from '../../audit/entry.ts'
import { makeEntry } from '../../audit/make-entry.ts'
import { submitEntries } from '../../audit/submit-entries.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { SupportState, SupportTerms } from '../../core/support-terms.ts'
import { shownRequestId } from '../act-entries.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import { needsOf, SUPPORT_COLUMNS, type SupportRow, supportRowOf } from './support-row.ts'
import { nextState, type SupportEvent } from './support-state.ts'

/** What happened, by whom and why, for the record. */
export interface SupportCause {
  readonly by: string
  readonly why: string
  readonly requestId: string
}

/**
 * Changes where accesses stand: the row, its record and what is taken back, in one transaction. The
 * caller has locked the row.
 */
export class SupportChanges {
  readonly #publisher: RevocationPublisher | undefined

  /** @param publisher tells gateways and vending that an access is over */
  constructor(publisher: RevocationPublisher | undefined) {
    this.#publisher = publisher
  }

  /** The access after the event; undefined when the event means nothing where it stands. */
  async happen(
    tx: Tx,
    row: SupportRow,
    event: SupportEvent,
    cause: SupportCause,
  ): Promise<SupportRow | undefined> {
    const to = nextState(row.state, event, needsOf(row))
    if (to === undefined) return undefined
    const [changed] = await tx.query(
      `update registry.support_access set state = $2, revision = revision + 1,
              approved_by = case when $3 = 'approve' then $4 else approved_by end,
              consented_by = case when $3 = 'consent' then $4 else consented_by end,
              active_at = case when $2 = 'active' then statement_timestamp() else active_at end,
              ends_at = case when $2 = 'active'
                then statement_timestamp() + make_interval(secs => seconds)
                when state = 'active' then least(ends_at, statement_timestamp()) else ends_at end,
              leases_left = leases_left or state = 'active'
        where id = $1 returning ${SUPPORT_COLUMNS}`,
      [row.id, to, event, cause.by],
    )
    await this.record(tx, row, row.state, to, cause)
    if (row.state === 'active') await this.#takeBack(tx, row)
    return supportRowOf(changed)
  }

  /** Enters a change in the access's own record, which nobody rewrites, and in the tenant's log. */
  async record(
    tx: Tx,
    access: SupportTerms,
    from: SupportState | undefined,
    to: SupportState,
    cause: SupportCause,
  ): Promise<void> {
    const { by, why, requestId } = cause
    await tx.query(
      `insert into registry.support_change (access, from_state, to_state, by, why, request_id)
       values ($1, $2, $3, $4, $5, $6)`,
      [access.id, from ?? null, to, by, why, requestId],
    )
    await submitEntries(tx, [changeEntry(access, to, cause)])
  }

  /** Tokens and leases of an access carry its id as their session. */
  async #takeBack(tx: Tx, { id, tenant }: SupportRow): Promise<void> {
    await this.#publisher?.publish(tx, { kind: 'session', tenant, id, at: new Date() })
  }
}

/** Of who did it the tenant is told what its record of the access tells it. */
function changeEntry(access: SupportTerms, to: SupportState, cause: SupportCause): AuditEntry {
  const { id, tenant, operator, scope, seconds, reason } = access
  return makeEntry({
    tenant,
    category: 'support',
    action: `support.${to}`,
    actor:
      to === 'requested' ? { kind: 'operator', id: operator } : { kind: 'platform', id: 'support' },
    object: { type: 'support-access', id },
    decision: to === 'denied' ? 'denied' : 'done',
    layer: 'support',
    reason: cause.why,
    request_id: shownRequestId(cause.requestId),
    detail: { operator, scope, seconds, asked_because: reason, by: cause.by },
  })
}

export function causeOf(by: Actor, why: string): SupportCause {
  return { by: by.name, why, requestId: by.requestId }
}
