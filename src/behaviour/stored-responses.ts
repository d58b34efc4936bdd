import { randomUUID } from 'node:crypto'
import type { AuditDraft } from '../audit/make-entry.ts'
import { makeEntry } from '../audit/make-entry.ts'
import { submitEntries } from '../audit/submit-entries.ts'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { type ActObject, objectOf } from './act-object.ts'
import type { Queries } from '../database/pooled-database.ts'
import type { BehaviourDatabase } from './behaviour-database.ts'
import type { Act, Detector } from './finding.ts'
import type { Responder, Response, ResponseAsked, Undo } from './responder.ts'

/** In force at once for one tenant, and for the platform: beyond it is only told. */
const IN_FORCE_MAX = 500
const AT_ONCE = 200
/** A revocation is kept for 61 minutes: what lasts longer is entered again before. */
const RENEW_MINUTES = 30
const KEPT_DAYS = 400
/** The subject of what is issued under a grant. */
const GRANT_SUBJECT = 'grant:'

interface Row {
  readonly tenant: TenantId | ''
  readonly id: string
  readonly kind: Act['kind']
  readonly object: string
  readonly detector: Detector
  readonly reason: string
  readonly began_at: Date
  readonly until: Date
}

/** What is put on a grant for a while, as the registry calls it. */
const RESTRAINTS: Readonly<Partial<Record<Act['kind'], string>>> = {
  'limit-grant': 'limit',
  'challenge-grant': 'challenge',
}

/** A response as operators see it. */
export type ResponseInForce = Omit<Row, 'tenant'> & { readonly tenant: TenantId | null }

const COLUMNS = 'tenant, id, kind, object, detector, reason, began_at, until'

/**
 * Carries responses out through what the control database lets the records plane do: void a session or a
 * grant's tokens, restrain a grant, and name a network to be blocked. These and nothing else, by functions
 * that do just that.
 */
export class StoredResponses implements Responder {
  readonly #database: BehaviourDatabase

  constructor(database: BehaviourDatabase) {
    this.#database = database
  }

  begin({ finding, act, reason, until }: ResponseAsked): Promise<Response | undefined> {
    const { detector } = finding
    const { tenant = '', object } = objectOf(act)
    const id = randomUUID()
    return this.#database.transaction(async (tx) => {
      const entered = await tx.query(
        `insert into behaviour.response (tenant, id, kind, object, detector, reason, until)
         select $1, $2, $3, $4, $5, $6, $7
          where (select count(*) from behaviour.response where tenant = $1 and ended_at is null) < $8
         on conflict (tenant, kind, object) where ended_at is null do nothing returning id`,
        [tenant, id, act.kind, object, detector, reason, until, IN_FORCE_MAX],
      )
      if (entered.length === 0) return undefined
      await carryOut(tx, act, until, reason)
      await enter(tx, act.kind, objectOf(act), {
        action: 'response.begun',
        ...{ layer: detector, reason },
        detail: {
          ...{ response: id, act: act.kind, until: until.toISOString() },
          ...(act.kind === 'limit-grant' ? { requests: act.requests } : {}),
        },
      })
      return { id, act, detector, reason, until }
    })
  }

  async look(): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const over = await tx.query<Row>(
        `update behaviour.response set ended_at = until, ended_by = 'time'
          where (tenant, id) in (select tenant, id from behaviour.response
            where ended_at is null and until <= clock_timestamp() limit $1 for update skip locked)
          returning ${COLUMNS}`,
        [AT_ONCE],
      )
      for (const row of over) await this.#end(tx, row, undefined)
      const due = await tx.query<Row>(
        `update behaviour.response set renewed_at = clock_timestamp()
          where (tenant, id) in (select tenant, id from behaviour.response
            where ended_at is null and kind in ('end-session', 'suspend-grant')
              and renewed_at < clock_timestamp() - make_interval(mins => $2)
            limit $1 for update skip locked)
          returning ${COLUMNS}`,
        [AT_ONCE, RENEW_MINUTES],
      )
      for (const { tenant, object } of due) await voidSession(tx, tenant, object)
    })
    await this.#database.query(
      'delete from behaviour.response where ended_at < clock_timestamp() - make_interval(days => $1)',
      [KEPT_DAYS],
    )
  }

  async undo(id: string, undo: Undo): Promise<void> {
    await this.#database.transaction(async (tx) => {
      const [row] = await tx.query<Row>(
        `update behaviour.response set ended_at = clock_timestamp(), ended_by = $2, end_reason = $3
          where id::text = $1 and ended_at is null returning ${COLUMNS}`,
        [id, undo.by, undo.reason],
      )
      if (row === undefined) throw new RingfenceError('not_found', 'no such response is in force')
      await this.#end(tx, row, undo)
    })
  }

  /** Lifts what can be lifted: a revocation cannot. */
  async #end(tx: Queries, row: Row, undo: Undo | undefined): Promise<void> {
    const { kind, tenant, object } = row
    const restraint = RESTRAINTS[kind]
    if (restraint !== undefined) {
      await tx.query('select registry.lift_grant_restraint($1, $2, $3)', [
        tenant,
        object,
        restraint,
      ])
    } else if (kind === 'block-address' && undo !== undefined) {
      await tx.query('select registry.lift_address_block($1)', [object])
    }
    await enter(tx, kind, objectOfRow(row), {
      action: undo === undefined ? 'response.ended' : 'response.undone',
      layer: row.detector,
      reason: undo?.reason,
      ...(undo === undefined ? {} : { actor: { kind: 'operator', id: undo.by } }),
      detail: { response: row.id, act: kind },
    })
  }

  /** A tenant that is gone: nobody is left to whom anything is done. */
  async forget(tenant: TenantId): Promise<void> {
    await this.#database.query('delete from behaviour.response where tenant = $1', [tenant])
  }

  /** The newest first. */
  async inForce(most: number): Promise<readonly ResponseInForce[]> {
    const rows = await this.#database.query<Row>(
      `select ${COLUMNS} from behaviour.response
        where ended_at is null order by began_at desc, id limit $1`,
      [most],
    )
    return rows.map(({ tenant, ...row }) => ({ ...row, tenant: tenant === '' ? null : tenant }))
  }
}

async function carryOut(tx: Queries, act: Act, until: Date, reason: string): Promise<void> {
  switch (act.kind) {
    case 'block-address':
      await tx.query('select registry.enter_address_block($1, $2, $3)', [
        act.network,
        until,
        reason,
      ])
      return
    case 'end-session':
      await voidSession(tx, act.tenant, act.session)
      return
    case 'suspend-grant':
      // The session of all that is issued under a grant is the grant.
      await voidSession(tx, act.tenant, act.grant)
      return
    case 'limit-grant':
      await restrain(tx, act, act.requests, until, reason)
      return
    case 'challenge-grant':
      await tx.query('select revocation.enter_detected($1, $2, $3)', [
        ...['subject', act.tenant, `${GRANT_SUBJECT}${act.grant}`],
      ])
      await restrain(tx, act, null, until, reason)
  }
}

async function voidSession(tx: Queries, tenant: string, session: string): Promise<void> {
  await tx.query(`select revocation.enter_detected('session', $1, $2)`, [tenant, session])
}

async function restrain(
  tx: Queries,
  { kind, tenant, grant }: Extract<Act, { kind: 'limit-grant' | 'challenge-grant' }>,
  requests: number | null,
  until: Date,
  reason: string,
): Promise<void> {
  await tx.query('select registry.enter_grant_restraint($1, $2, $3, $4, $5, $6)', [
    ...[tenant, grant, RESTRAINTS[kind], requests, until, reason],
  ])
}

async function enter(
  tx: Queries,
  kind: Act['kind'],
  { tenant, object }: ActObject,
  draft: Pick<AuditDraft, 'action' | 'layer' | 'reason' | 'detail'> &
    Partial<Pick<AuditDraft, 'actor'>>,
): Promise<void> {
  const [, type = ''] = kind.split('-')
  await submitEntries(tx, [
    makeEntry({
      category: 'detection',
      actor: { kind: 'platform', id: 'behaviour' },
      decision: 'done',
      ...draft,
      tenant,
      object: { type, id: object },
    }),
  ])
}

function objectOfRow({ tenant, object }: Row): ActObject {
  return { tenant: tenant === '' ? undefined : tenant, object }
}
