import { isDeepStrictEqual } from 'node:util'
import { RingfenceError } from '../core/errors.ts'
import type { TenantId } from '../core/tenant.ts'
import { recordAct } from './act.ts'
import { type Attempt, doneName, failureOf, refusedName, thisAttempt } from './attempt.ts'
import type { Actor } from './control-plane.ts'
import type { Tx } from '../database/pooled-database.ts'
import type { Database } from './database.ts'
import type { Pass } from './operators/four-eyes.ts'
import { afterTheCall, withRequestKey } from './request-key.ts'

type Detail = Readonly<Record<string, unknown>>

/** A change that another plane carries out. */
export interface ActElsewhere {
  readonly by: Actor
  readonly action: string
  readonly subject: string
  /** Whose it is: it stands in that tenant's log too. */
  readonly tenant?: TenantId
  /** All that it asks for: a call with another detail is another call. */
  readonly detail: Detail
}

/** How it is done. Each part may run once more in a repeat of the call. */
export interface Doing {
  /** Lets it be done; undefined where nobody has to. @throws ApprovalRequired */
  pass?(attempt: Attempt): Promise<Pass | undefined>
  /** What belongs to the record, in its transaction. */
  record?(tx: Tx): Promise<void>
  /** What is kept beside the detail, of how things were before. */
  kept?(): Promise<Detail>
  /** Has it done. @param before as it was kept at the first attempt @returns what came of it, as JSON */
  carryOut(before: Detail): Promise<Detail>
}

/**
 * Acts that are recorded here before another plane carries them out. An attempt without an outcome is
 * gone on with by the same call with the same key; one that was refused has ended, so that the next is
 * a new one; and one that was carried out is not carried out again.
 */
export class ActsElsewhere {
  readonly #database: Database

  constructor(database: Database) {
    this.#database = database
  }

  /**
   * @returns what came of it, now or at an earlier attempt
   * @throws RingfenceError `idempotency_key_reused` when the key's attempt was at something else
   */
  async once(act: ActElsewhere, doing: Doing): Promise<Detail> {
    const attempt = await thisAttempt(this.#database)
    const { key, repeated } = attempt
    const recorded = repeated && key !== undefined ? await this.#recorded(act, key) : undefined
    if (recorded?.outcome !== undefined) return recorded.outcome
    const pass = await doing.pass?.(attempt)
    const before = recorded?.detail ?? { ...act.detail, ...(await doing.kept?.()) }
    await this.#database.transaction(async (tx) => {
      await pass?.use(tx)
      await doing.record?.(tx)
      if (recorded === undefined) await enter(tx, { ...act, detail: before }, key)
    })
    try {
      const outcome = await doing.carryOut(before)
      if (key !== undefined) await this.#end({ ...act, detail: outcome }, 'done', doneName(key))
      return outcome
    } catch (error) {
      const { code, refused } = failureOf(error)
      const failed = { ...act, detail: { ...act.detail, code } }
      const name = refused && key !== undefined ? refusedName(key) : undefined
      await this.#end(failed, refused ? 'refused' : 'unanswered', name)
      throw error
    }
  }

  /** The attempt that goes by this key, and what came of it if that is known. */
  async #recorded(
    { action, subject, detail }: ActElsewhere,
    key: string,
  ): Promise<{ readonly detail: Detail; readonly outcome: Detail | undefined }> {
    const rows = await this.#database.query<Row>(
      'select request_key, action, subject, detail from registry.act where request_key = any ($1)',
      [[key, doneName(key)]],
    )
    const found = rows.find((row) => row.request_key === key)
    const same =
      found?.action === action &&
      found.subject === subject &&
      Object.entries(detail).every(([name, value]) => isDeepStrictEqual(found.detail[name], value))
    if (!same) {
      throw new RingfenceError(
        'idempotency_key_reused',
        'the idempotency key was used for another request',
      )
    }
    const outcome = rows.find((row) => row.request_key === doneName(key))?.detail
    return { detail: found.detail, outcome }
  }

  async #end(act: ActElsewhere, how: string, name: string | undefined): Promise<void> {
    const ended = { ...act, action: `${act.action}.${how}` }
    await this.#database.transaction((tx) => enter(tx, ended, name))
  }
}

interface Row {
  readonly request_key: string
  readonly action: string
  readonly subject: string
  readonly detail: Detail
}

async function enter(tx: Tx, act: ActElsewhere, name: string | undefined): Promise<void> {
  const { by, action, subject, detail, tenant } = act
  const about = tenant === undefined ? [] : [{ tenant }]
  const entered = () => recordAct(tx, by, action, subject, detail, about)
  await (name === undefined ? afterTheCall(entered) : withRequestKey(name, entered))
}
