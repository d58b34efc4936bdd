import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { SCOPES } from '../../core/lease.ts'
import {
  SUPPORT_POLICIES,
  SUPPORT_REASON_CHARACTERS_MAX,
  SUPPORT_SECONDS_MAX,
  SUPPORT_SECONDS_MIN,
  type SupportPolicy,
  type SupportTerms,
} from '../../core/support-terms.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { ApprovalRow } from '../approval-row.ts'
import { doneBefore, recordAct, requireScope } from '../act.ts'
import type { Actor, Page, PageRequest } from '../control-plane.ts'
import type { Cursors } from '../cursor.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import { enterApproval, type FourEyes } from '../operators/four-eyes.ts'
import { isSamePerson, operatorOf } from '../operators/operators-realm.ts'
import { causeOf, type SupportChanges } from './support-changes.ts'
import type { SupportKeys } from './support-keys.ts'
import { supportPolicy, writeSupportPolicy } from './support-policy.ts'
import {
  findSupport,
  lockSupport,
  needsOf,
  SUPPORT_COLUMNS,
  type SupportRow,
  supportRowOf,
  supportViews,
} from './support-row.ts'
import { firstState } from './support-state.ts'
import type { Support, SupportKey, SupportView } from './support.ts'

export interface RegisteredSupportParts {
  readonly database: Database
  readonly cursors: Cursors
  readonly changes: SupportChanges
  readonly keys: SupportKeys
  readonly fourEyes: FourEyes
  /** How long an agreement is waited for. */
  readonly decideSeconds: number
  /** Sets going what follows from a change. */
  readonly wake: () => void
}

const requestSchema = z.object({
  scope: z.enum(SCOPES),
  seconds: z.int().min(SUPPORT_SECONDS_MIN).max(SUPPORT_SECONDS_MAX),
  reason: z
    .string()
    .max(SUPPORT_REASON_CHARACTERS_MAX)
    .refine((text) => text.trim() !== '', 'say why'),
})

/** Support accesses in the registry. */
export class RegisteredSupport implements Support {
  readonly #parts: RegisteredSupportParts

  constructor(parts: RegisteredSupportParts) {
    this.#parts = parts
  }

  async list(
    filter: Parameters<Support['list']>[0],
    page: PageRequest,
  ): Promise<Page<SupportView>> {
    const { database, cursors } = this.#parts
    const values = [filter.tenant ?? null, filter.state ?? null]
    const list = `support ${JSON.stringify(values)}`
    const [after] = cursors.read(list, page) ?? []
    const found = await database.query(
      `select ${SUPPORT_COLUMNS} from registry.support_access
        where ($1::text is null or tenant = $1) and ($2::text is null or state = $2)
          and ($3::bigint is null or seq < $3) order by seq desc limit $4`,
      [...values, after ?? null, page.limit + 1],
    )
    const rows = found.map(supportRowOf)
    const views = new Map((await supportViews(database, rows)).map((view) => [view.id, view]))
    return cursors.page(
      list,
      page,
      rows.flatMap((row) => {
        const view = views.get(row.id)
        return view === undefined ? [] : [{ seq: row.seq, view }]
      }),
      ({ seq }) => [seq],
      ({ view }) => view,
    )
  }

  async get(id: string): Promise<SupportView> {
    const { database } = this.#parts
    return viewOf(database, await findSupport(database, id))
  }

  async request(request: Parameters<Support['request']>[0], by: Actor): Promise<SupportView> {
    const { database, fourEyes, wake } = this.#parts
    requireScope(by, 'support:write')
    check(request)
    const alone = (await fourEyes.inForceSince()) === undefined
    // Of a token without a person nobody knows whose second person somebody is.
    if (!alone) fourEyes.expectPerson(by)
    const id = await database.transaction(async (tx) => {
      const before = await doneBefore(tx)
      if (before !== undefined) return z.string().parse(before['access'])
      await expectServed(tx, request.tenant)
      const policy = await supportPolicy(tx, request.tenant)
      if (policy === 'never') {
        throw new RingfenceError('forbidden', 'this tenant lets no operator at its data')
      }
      return this.#enter(tx, { ...request, policy, operator: operatorOf(by) }, alone, by)
    })
    wake()
    return this.get(id)
  }

  async end(id: string, why: string, by: Actor): Promise<SupportView> {
    requireScope(by, 'support:write')
    return this.#over(id, 'end', why, by, (row) => {
      if (isHolder(row, by)) return
      throw new RingfenceError('forbidden', 'an access is for whoever asked for it')
    })
  }

  async revoke(id: string, why: string, by: Actor): Promise<SupportView> {
    requireScope(by, 'approvals:write')
    return this.#over(id, 'revoke', why, by, () => {})
  }

  context(id: string, seconds: number | undefined, by: Actor): Promise<SupportKey> {
    return this.#parts.keys.context(id, seconds, by)
  }

  token(id: string, by: Actor): Promise<SupportKey> {
    return this.#parts.keys.token(id, by)
  }

  async policy(tenant: TenantId): Promise<SupportPolicy> {
    const { database } = this.#parts
    await expectTenant(database, tenant)
    return supportPolicy(database, tenant)
  }

  async setPolicy(tenant: TenantId, policy: SupportPolicy, by: Actor): Promise<SupportPolicy> {
    const { database, fourEyes } = this.#parts
    requireScope(by, 'security:write')
    if (!SUPPORT_POLICIES.includes(policy)) {
      throw new RingfenceError(
        'invalid_argument',
        `a policy is one of ${SUPPORT_POLICIES.join(', ')}`,
      )
    }
    await expectTenant(database, tenant)
    const pass = await fourEyes.pass(by, {
      kind: 'approval-settings',
      tenant,
      subject: `support policy of ${tenant}`,
      summary: `let operators at the data of ${tenant} by the policy ${policy}`,
      detail: { policy },
    })
    await database.transaction(async (tx) => {
      if ((await doneBefore(tx)) !== undefined) return
      await pass.use(tx)
      await writeSupportPolicy(tx, tenant, policy, by)
      await recordAct(tx, by, 'support.policy', tenant, { policy }, [{ tenant }])
    })
    return policy
  }

  /** What follows for an access from a second person's decision, in the decision's transaction. */
  async decided(tx: Tx, approval: ApprovalRow, approve: boolean, by: Actor): Promise<void> {
    const [found] = await tx.query(
      `select ${SUPPORT_COLUMNS} from registry.support_access where approval = $1 for update`,
      [approval.id],
    )
    if (found === undefined) return
    const row = supportRowOf(found)
    const event = approve ? 'approve' : 'deny'
    const why = approve ? 'approved by a second person' : 'refused by a second person'
    const after = await this.#parts.changes.happen(tx, row, event, causeOf(by, why))
    if (after === undefined) {
      throw new RingfenceError('conflict', `the access is over: ${row.state}`)
    }
    this.#parts.wake()
  }

  async #over(
    id: string,
    event: 'end' | 'revoke',
    why: string,
    by: Actor,
    allow: (row: SupportRow) => void,
  ): Promise<SupportView> {
    const { database, changes, wake } = this.#parts
    await database.transaction(async (tx) => {
      const row = await lockSupport(tx, id)
      if ((await doneBefore(tx)) !== undefined) return
      allow(row)
      if ((await changes.happen(tx, row, event, causeOf(by, why))) === undefined) {
        throw new RingfenceError('conflict', `the access is over: ${row.state}`)
      }
      await recordAct(tx, by, `support.${event}`, id, { tenant: row.tenant, why })
    })
    wake()
    return this.get(id)
  }

  async #enter(
    tx: Tx,
    asked: Omit<SupportTerms, 'id'>,
    alone: boolean,
    by: Actor,
  ): Promise<string> {
    const { changes, decideSeconds } = this.#parts
    const { tenant, operator, scope, seconds, reason, policy } = asked
    const id = `support-${randomBytes(8).toString('hex')}`
    const needs = needsOf({ policy, alone })
    const state = firstState(needs)
    const terms: SupportTerms = { id, tenant, operator, scope, seconds, reason, policy }
    const approval = needs.secondPerson
      ? await enterApproval(tx, by, actOf(terms), decideSeconds)
      : null
    await tx.query(
      `insert into registry.support_access
         (id, tenant, operator, requested_by, requested_person, scope, seconds, reason, policy,
          state, alone, approval, decide_by, active_at, ends_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
         statement_timestamp() + make_interval(secs => $13),
         case when $10 = 'active' then statement_timestamp() end,
         case when $10 = 'active' then statement_timestamp() + make_interval(secs => $7::int) end)`,
      [
        ...[id, tenant, operator, by.name, by.person ?? null, scope, seconds, reason, policy],
        ...[state, alone, approval, decideSeconds],
      ],
    )
    await changes.record(tx, terms, undefined, state, causeOf(by, reason))
    await recordAct(tx, by, 'support.request', tenant, { access: id, scope, seconds, reason })
    return id
  }
}

function actOf(terms: SupportTerms) {
  const { id, tenant, operator, scope, seconds, reason } = terms
  const time = `${Math.ceil(seconds / 60)} min`
  const summary = `let ${operator} at the data of ${tenant} (${scope}, ${time}): ${reason}`
  return { kind: 'support-access', tenant, subject: id, summary, detail: { ...terms } } as const
}

async function viewOf(database: Database, row: SupportRow): Promise<SupportView> {
  const [view] = await supportViews(database, [row])
  if (view === undefined) throw new RingfenceError('internal', 'the access is not there')
  return view
}

/** Whoever asked for it, by whatever credential. */
export function isHolder(row: SupportRow, by: Actor): boolean {
  const holder = { name: row.requested_by, person: row.requested_person ?? undefined }
  return isSamePerson(holder, { name: by.name, person: by.person })
}

function check(request: unknown): void {
  const result = requestSchema.safeParse(request)
  if (result.success) return
  const issue = result.error.issues[0]
  throw new RingfenceError('invalid_argument', `${issue?.path.join('.')}: ${issue?.message}`)
}

/** A tenant that is not served, and one that there is not, look alike. */
async function expectServed(tx: Tx, tenant: TenantId): Promise<void> {
  const rows = await tx.query(
    `select from registry.tenant where id = $1 and serving in ('active', 'paused') for share`,
    [tenant],
  )
  if (rows.length === 0) throw new RingfenceError('not_found', 'no such active tenant')
}

async function expectTenant(tx: Pick<Tx, 'query'>, tenant: TenantId): Promise<void> {
  const rows = await tx.query('select from registry.tenant where id = $1', [tenant])
  if (rows.length === 0) throw new RingfenceError('not_found', 'no such tenant')
}
