import { RingfenceError } from '../core/errors.ts'
import { doneBefore, recordAct, requireScope } from './act.ts'
import { APPROVAL_COLUMNS, type ApprovalRow, approvalRowOf, approvalView } from './approval-row.ts'
import type { Actor, Approvals, ApprovalView, Page, PageRequest } from './control-plane.ts'
import type { Cursors } from './cursor.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import { isSamePerson } from './operators/operators-realm.ts'
import { mayDecide } from './operators/roles.ts'
import type { OutsideDecision } from './ports.ts'
import { takeOnce } from './take-once.ts'
import { lockTenant } from './tenant-row.ts'

/** A message's id is remembered for longer than its time stamp would be taken, in seconds. */
const MESSAGE_SECONDS = 24 * 3_600
const COMMENT_CHARACTERS_MAX = 2_000

/** Reads a decision from outside: checks its signature and time. @throws `not_authenticated` */
export type DecisionReader = (
  headers: Readonly<Record<string, string>>,
  body: string,
) => OutsideDecision | Promise<OutsideDecision>

/** What follows from a decision on a guarded act, in the decision's own transaction. */
export type DecisionEffect = (
  tx: Tx,
  approval: ApprovalRow,
  approve: boolean,
  by: Actor,
) => Promise<void>

interface Decision {
  readonly id: string
  readonly approve: boolean
  readonly comment: string | undefined
}

/** Approvals in the registry. A decision and the waking of the workflow are one transaction. */
export class RegisteredApprovals implements Approvals {
  readonly #database: Database
  readonly #cursors: Cursors
  readonly #read: DecisionReader | undefined
  readonly #wake: () => Promise<void>
  readonly #effect: DecisionEffect

  /** @param wake sets going what was made due */
  constructor(
    database: Database,
    cursors: Cursors,
    read: DecisionReader | undefined,
    wake: () => Promise<void>,
    effect: DecisionEffect = async () => {},
  ) {
    this.#database = database
    this.#cursors = cursors
    this.#read = read
    this.#wake = wake
    this.#effect = effect
  }

  async list(
    filter: { readonly state?: ApprovalView['state'] },
    page: PageRequest,
  ): Promise<Page<ApprovalView>> {
    const list = `approvals ${JSON.stringify([filter.state ?? null])}`
    const [after] = this.#cursors.read(list, page) ?? []
    const rows = await this.#database.query(
      `select ${APPROVAL_COLUMNS} from registry.approval
        where ($1::text is null or state = $1) and ($2::bigint is null or seq < $2)
        order by seq desc limit $3`,
      [filter.state ?? null, after ?? null, page.limit + 1],
    )
    return this.#cursors.page(list, page, rows.map(approvalRowOf), ({ seq }) => [seq], approvalView)
  }

  async get(id: string): Promise<ApprovalView> {
    const [row] = await this.#database.query(
      `select ${APPROVAL_COLUMNS} from registry.approval where id = $1`,
      [id],
    )
    if (row === undefined) throw noSuchApproval()
    return approvalView(approvalRowOf(row))
  }

  async decide(
    id: string,
    approve: boolean,
    comment: string | undefined,
    by: Actor,
  ): Promise<ApprovalView> {
    requireScope(by, 'approvals:write')
    return this.#decided({ id, approve, comment }, by, by.name, async () => {})
  }

  async receiveWebhook(
    headers: Readonly<Record<string, string>>,
    body: string,
  ): Promise<ApprovalView> {
    if (this.#read === undefined) {
      throw new RingfenceError('not_authenticated', 'no decisions are taken from outside')
    }
    return this.decideOutside(await this.#read(headers, body))
  }

  /** Applies a decision whose signature and time were checked. Its id is taken once. */
  async decideOutside(outside: OutsideDecision): Promise<ApprovalView> {
    const { id, approval, approve, comment, channel, decidedBy } = outside
    const by: Actor = {
      kind: 'system',
      name: `${channel}:${decidedBy}`,
      scopes: ['approvals:write'],
      requestId: id,
    }
    return this.#decided({ id: approval, approve, comment }, by, decidedBy, async (tx) => {
      if (!(await takeOnce(tx, `${channel}:${id}`, MESSAGE_SECONDS))) {
        throw new RingfenceError('conflict', 'this message came before')
      }
    })
  }

  /** @param person under whose name somebody may have asked for it, too */
  async #decided(
    { id, approve, comment }: Decision,
    by: Actor,
    person: string,
    first: (tx: Tx) => Promise<void>,
  ): Promise<ApprovalView> {
    if ((comment?.length ?? 0) > COMMENT_CHARACTERS_MAX) {
      throw new RingfenceError('invalid_argument', 'a comment has at most 2000 characters')
    }
    const { tenant, workflow } = await this.get(id)
    const decided = await this.#database.transaction(async (tx) => {
      if (workflow !== undefined && tenant !== undefined) await lockTenant(tx, tenant)
      const [found] = await tx.query(
        `select ${APPROVAL_COLUMNS} from registry.approval where id = $1 for update`,
        [id],
      )
      const approval = approvalRowOf(found)
      await first(tx)
      if ((await doneBefore(tx)) !== undefined) return approval
      refuse(approval, by, person)
      const [row] = await tx.query(
        `update registry.approval set state = $2, decided_by = $3, comment = $4,
                decided_person = $5, decided_at = clock_timestamp(), names = null
          where id = $1 returning ${APPROVAL_COLUMNS}`,
        [id, approve ? 'approved' : 'refused', by.name, comment ?? null, by.person ?? null],
      )
      await tx.query(
        `update registry.workflow set wake_at = clock_timestamp() where id = $1
            and state in ('running', 'waiting')`,
        [approval.workflow],
      )
      const about = tenant === undefined ? [] : [{ tenant, detail: { kind: approval.kind } }]
      const action = approve ? 'approval.approve' : 'approval.refuse'
      await recordAct(tx, by, action, id, { tenant }, about)
      if (approval.workflow === null) await this.#effect(tx, approval, approve, by)
      return approvalRowOf(row)
    })
    await this.#wake()
    return approvalView(decided)
  }
}

function refuse(approval: ApprovalRow, by: Actor, person: string): void {
  const requester = {
    name: approval.requested_by,
    person: approval.requested_person ?? undefined,
  }
  if (isSamePerson(requester, by) || isSamePerson(requester, { name: person })) {
    throw new RingfenceError('forbidden', 'somebody else than the requester decides')
  }
  if (approval.workflow === null) expectSecondPerson(by)
  if (approval.state !== 'pending' || approval.expires_at.getTime() <= Date.now()) {
    throw new RingfenceError('conflict', 'the approval is decided or expired')
  }
}

/** Behind a token or an outside system nobody knows who it is: it could be the requester. */
function expectSecondPerson({ person, signedIn }: Actor): void {
  if (person !== undefined && signedIn?.twoFactors === true && mayDecide(signedIn.roles)) return
  throw new RingfenceError(
    'forbidden',
    'a person with the role approver or security decides on this, signed in with two factors',
  )
}

function noSuchApproval(): RingfenceError {
  return new RingfenceError('not_found', 'no such approval')
}
