import { submitEntries } from '../audit/submit-entries.ts'
import { RingfenceError } from '../core/errors.ts'
import { type About, entriesOf } from './act-entries.ts'
import type { Actor, OperatorScope } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import { requestKey } from './request-key.ts'

/** @throws RingfenceError `forbidden` when the actor's scopes do not hold this one */
export function requireScope(by: Actor, scope: OperatorScope): void {
  if (!by.scopes.includes(scope)) {
    throw new RingfenceError('forbidden', `this needs a token with the scope ${scope}`)
  }
}

/**
 * Enters what was done, in the transaction that does it: neither is there without the other. It stands in
 * the registry, which knows by it what was done before, and in the platform's log.
 * @param about the tenants that it concerns, in whose logs it stands too
 */
export async function recordAct(
  tx: Tx,
  by: Actor,
  action: string,
  subject: string,
  detail: Readonly<Record<string, unknown>> = {},
  about: readonly About[] = [],
): Promise<void> {
  await tx.query(
    `insert into registry.act (actor_kind, actor, action, subject, detail, request_id, request_key)
     values ($1, $2, $3, $4, $5, $6, $7)`,
    [by.kind, by.name, action, subject, JSON.stringify(detail), by.requestId, requestKey()],
  )
  await submitEntries(tx, entriesOf({ by, action, subject, detail, about }))
}

/**
 * What this very call was recorded with, if it was carried out before by a process that died before
 * it could answer.
 */
export async function doneBefore(
  tx: Pick<Tx, 'query'>,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const key = requestKey()
  if (key === null) return undefined
  const [row] = await tx.query<{ detail: Record<string, unknown> }>(
    'select detail from registry.act where request_key = $1',
    [key],
  )
  return row?.detail
}
