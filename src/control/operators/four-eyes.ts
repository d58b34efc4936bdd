import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { doneBefore, recordAct } from '../act.ts'
import type { Attempt } from '../attempt.ts'
import type { Actor } from '../control-plane.ts'
import type { Tx } from '../../database/pooled-database.ts'
import type { Database } from '../database.ts'
import { afterTheCall } from '../request-key.ts'
import { readSetting, writeSetting } from '../settings.ts'
import { ApprovalRequired } from './approval-required.ts'
import { actDigest, type GuardedAct } from './guarded-acts.ts'
import { mayDecide } from './roles.ts'

/** How long an approved act may be done, in seconds after the decision. */
const GOOD_SECONDS = 3_600
/** People who could be somebody's second person, from which on there must be one. */
const PEOPLE_MIN = 2
const SETTING = 'four-eyes'

/** Lets an act be done once. It is taken in the transaction that does it. */
export interface Pass {
  /** The approval, when one was needed. */
  readonly approval: string | undefined
  /** @throws RingfenceError `conflict` when somebody used it meanwhile */
  use(tx: Tx): Promise<void>
}

/**
 * Four eyes on guarded acts: the first call asks, a second person approves, and the same call again is
 * carried out, once. A platform begins with one person, who could ask nobody: the rule is in force from
 * the moment at which a second person who may decide has signed in with two factors, and ever after.
 */
export class FourEyes {
  readonly #database: Database
  readonly #approvalSeconds: number
  readonly #seen = new Set<string>()

  /** @param approvalSeconds how long an approval is waited for */
  constructor(database: Database, approvalSeconds: number) {
    this.#database = database
    this.#approvalSeconds = approvalSeconds
  }

  /** Since when nobody does a guarded act alone; undefined while there is no second person. */
  async inForceSince(tx: Pick<Tx, 'query'> = this.#database): Promise<Date | undefined> {
    const value = await readSetting(tx, SETTING)
    return value === null || value === undefined ? undefined : z.coerce.date().parse(value)
  }

  /** Enters somebody who could be a second person. */
  async saw(by: Actor): Promise<void> {
    const { person, signedIn } = by
    if (person === undefined || signedIn?.twoFactors !== true || !mayDecide(signedIn.roles)) return
    if (this.#seen.has(person)) return
    await this.#database.transaction(async (tx) => {
      await tx.query('select from registry.setting where name = $1 for update', [SETTING])
      await tx.query(
        'insert into registry.approver_seen (person) values ($1) on conflict do nothing',
        [person],
      )
      const people = await tx.query(`select from registry.approver_seen limit ${PEOPLE_MIN}`)
      if (people.length < PEOPLE_MIN || (await this.inForceSince(tx)) !== undefined) return
      await writeSetting(tx, SETTING, new Date().toISOString())
      await recordAct(tx, by, 'four-eyes.in-force', person)
    })
    this.#seen.add(person)
  }

  /**
   * Lets the act be done, or asks a second person for it.
   * @param attempt of an act that is carried out elsewhere, after it was recorded: that it was recorded
   *   does not show that it was done. Its repeat goes on with the approval that it took, while that is
   *   good. Without it, the act is done in the transaction that records it.
   * @throws ApprovalRequired with the approval that is waited for; RingfenceError `forbidden` for a
   *   token behind which there is no person
   */
  async pass(by: Actor, act: GuardedAct, attempt?: Attempt): Promise<Pass> {
    // What the program itself does, an operator has configured on its machine.
    if (by.kind === 'system') return FREE
    const since = await this.inForceSince()
    if (since === undefined) return FREE
    // A repeat of a call that was carried out, and whose answer was lost, used its approval then.
    if (attempt === undefined && (await doneBefore(this.#database)) !== undefined) return FREE
    this.expectPerson(by)
    const digest = actDigest(act)
    const taken =
      attempt?.repeated === true ? await this.#taken(by, digest, attempt.key) : undefined
    if (taken !== undefined) return { ...FREE, approval: taken }
    const approved = await this.#approved(by, digest)
    if (approved !== undefined) return passOf(approved, attempt?.key)
    throw new ApprovalRequired(await this.#ask(by, act, digest))
  }

  /** @throws RingfenceError `forbidden`: of a token without a person nobody knows whose second it is */
  expectPerson(by: Actor): void {
    if (by.person !== undefined || by.kind === 'system') return
    throw new RingfenceError(
      'forbidden',
      'this needs a person: sign in with "ringfence login", or use a token that has an owner',
    )
  }

  async #approved(by: Actor, digest: Buffer): Promise<string | undefined> {
    const [row] = await this.#database.query<{ id: string }>(
      `select id from registry.approval
        where digest = $1 and requested_person = $2 and state = 'approved' and used_at is null
          and decided_at > clock_timestamp() - make_interval(secs => $3)
        order by seq desc limit 1`,
      [digest, by.person, GOOD_SECONDS],
    )
    return row?.id
  }

  /** The approval of this very act that an attempt took, and has not come to an end with. */
  async #taken(by: Actor, digest: Buffer, key: string | undefined): Promise<string | undefined> {
    const [row] = await this.#database.query<{ id: string }>(
      `select id from registry.approval
        where digest = $1 and requested_person = $2 and state = 'approved' and used_for = $3
          and decided_at > clock_timestamp() - make_interval(secs => $4)`,
      [digest, by.person, key ?? null, GOOD_SECONDS],
    )
    return row?.id
  }

  /** One approval for each act and person, however often it is asked for. */
  async #ask(by: Actor, act: GuardedAct, digest: Buffer): Promise<string> {
    return this.#database.transaction(async (tx) => {
      await tx.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [
        digest.toString('hex'),
      ])
      const [pending] = await tx.query<{ id: string }>(
        `select id from registry.approval where digest = $1 and requested_person = $2
            and state = 'pending' and expires_at > clock_timestamp() limit 1`,
        [digest, by.person],
      )
      if (pending !== undefined) return pending.id
      return enterApproval(tx, by, act, this.#approvalSeconds)
    })
  }
}

/** Enters what a second person has to decide on. Returns its id. */
export async function enterApproval(
  tx: Tx,
  by: Actor,
  act: GuardedAct,
  seconds: number,
): Promise<string> {
  const id = `approval-${randomBytes(8).toString('hex')}`
  await tx.query(
    `insert into registry.approval (id, tenant, kind, requested_by, requested_person, expires_at,
                                    state, digest, subject, summary, names)
     values ($1, $2, $3, $4, $5, clock_timestamp() + make_interval(secs => $6), 'pending',
             $7, $8, $9, $10)`,
    [
      id,
      act.tenant ?? null,
      act.kind,
      by.name,
      by.person ?? null,
      seconds,
      actDigest(act),
      act.subject,
      act.summary,
      act.names ?? null,
    ],
  )
  const what = { kind: act.kind, subject: act.subject }
  // Asking is not yet the call: the same call again, with the same key, is the one that is made.
  await afterTheCall(() => recordAct(tx, by, 'approval.request', id, what))
  return id
}

/** Forgets of whom an act was that nobody decided on in time. */
export async function forgetNames(database: Database): Promise<void> {
  await database.query(
    `update registry.approval set names = null
      where names is not null and expires_at < clock_timestamp()`,
  )
}

const FREE: Pass = { approval: undefined, use: () => Promise.resolve() }

/** @param attempt the call that it is taken for, when its repeat may go on with it */
function passOf(approval: string, attempt: string | undefined): Pass {
  return {
    approval,
    async use(tx) {
      const used = await tx.query(
        `update registry.approval set used_at = clock_timestamp(), used_for = $2
          where id = $1 and state = 'approved' and used_at is null returning id`,
        [approval, attempt ?? null],
      )
      if (used.length === 0) throw new RingfenceError('conflict', 'the approval was used meanwhile')
    },
  }
}
