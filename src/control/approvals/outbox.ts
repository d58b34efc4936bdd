import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { wireApproval } from '../api/wire.ts'
import type { ApprovalView } from '../control-plane.ts'
import type { Database } from '../database.ts'
import type { ApprovalChannel, ChangeRecord, OutsideDecision } from '../ports.ts'
import type { OutsideMessage, Receiver } from './receiver.ts'

/** How long a delivery may take before another process may try it, in seconds. Longer than any call. */
const CLAIM_SECONDS = 120
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 3_600_000
/** A receiver that was away this long is not told any more. */
const GIVE_UP_SECONDS = 3 * 24 * 3600
const IDLE_MS = 1000
const ASK_SECONDS = 15
const BATCH = 20

export interface OutboxOptions extends OutboxPauses {
  readonly database: Database
  readonly receivers: readonly Receiver[]
  /** Takes a decision that a receiver was asked for. What it refuses is not asked for again. */
  readonly decide: (decision: OutsideDecision) => Promise<unknown>
  readonly log?: (line: string) => void
}

export interface OutboxPauses {
  /** Milliseconds before the second try of a delivery, doubled for each one after. Default 1000. */
  readonly firstPauseMs?: number
  /** Milliseconds between looks for work. Default 1000. */
  readonly idleMs?: number
  /** Seconds between two questions for one decision. Default 15. */
  readonly askSeconds?: number
}

interface Row {
  readonly id: string
  readonly receiver: string
  readonly type: OutsideMessage['type']
  readonly subject: string
  readonly data: unknown
  readonly attempts: number
  readonly expired: boolean
}

/**
 * Tells receivers outside what there is to approve and what changes, at least once each and with one id.
 * `announce` and `record` enter the messages in the control database and return; deliveries are made
 * beside them, by whichever control process comes first, and go on after any of them was killed. A
 * receiver that is away holds nobody up: approvals can be decided here as well.
 */
export class Outbox implements ApprovalChannel {
  readonly #options: OutboxOptions
  readonly #stop = new AbortController()
  #running: Promise<void> | undefined

  constructor(options: OutboxOptions) {
    this.#options = options
  }

  announce(approval: ApprovalView): Promise<string | undefined> {
    return this.#enter('approval.requested', approval.id, wireApproval(approval))
  }

  record(change: ChangeRecord): Promise<string | undefined> {
    return this.#enter('change.started', change.workflow, change)
  }

  /** Begins to deliver, until `stop`. */
  start(): void {
    this.#running ??= this.#run()
  }

  /** Ends after the deliveries under way. */
  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#running
  }

  async #enter(
    type: OutsideMessage['type'],
    subject: string,
    data: object,
  ): Promise<string | undefined> {
    const { database, receivers } = this.#options
    for (const { name } of receivers) {
      await database.query(
        `insert into approvals.message (id, receiver, type, subject, data)
         values ($1, $2, $3, $4, $5) on conflict do nothing`,
        [messageId(name, type, subject), name, type, subject, JSON.stringify(data)],
      )
    }
    const rows = await database.query<{ reference: string }>(
      `select reference from approvals.message
        where type = $1 and subject = $2 and reference is not null order by seq limit 1`,
      [type, subject],
    )
    return rows[0]?.reference
  }

  async #run(): Promise<void> {
    const { idleMs = IDLE_MS, log } = this.#options
    const { signal } = this.#stop
    while (!signal.aborted) {
      const worked = await this.#pass().catch((error: unknown) => {
        log?.(`outbox: ${codeOf(error)}`)
        return false
      })
      // Up to half as long again, so that several processes do not look at the same moments.
      if (!worked)
        await sleep(idleMs * (1 + Math.random() / 2), undefined, { signal }).catch(() => {})
    }
  }

  async #pass(): Promise<boolean> {
    const due = await this.#claim('delivered_at is null and given_up_at is null', CLAIM_SECONDS)
    await Promise.all(due.map((row) => this.#deliver(row)))
    const { askSeconds = ASK_SECONDS } = this.#options
    const undecided = await this.#claim(
      `type = 'approval.requested' and delivered_at is not null and decided_at is null`,
      askSeconds,
    )
    await Promise.all(undecided.map((row) => this.#ask(row)))
    return due.length > 0
  }

  /** Rows that are due, not to be due again for `seconds`: a killed process's come back by themselves. */
  #claim(which: string, seconds: number): Promise<readonly Row[]> {
    return this.#options.database.query<Row>(
      `update approvals.message m set next_at = clock_timestamp() + make_interval(secs => $1)
         from (select id from approvals.message
                where ${which} and next_at <= clock_timestamp() and receiver = any($2)
                order by next_at limit ${BATCH} for update skip locked) due
        where m.id = due.id
       returning m.id, m.receiver, m.type, m.subject, m.data, m.attempts,
         m.created_at < clock_timestamp() - make_interval(secs => ${GIVE_UP_SECONDS}) as expired`,
      [seconds, this.#options.receivers.map(({ name }) => name)],
    )
  }

  async #deliver(row: Row): Promise<void> {
    const { database, log } = this.#options
    try {
      const message = { id: row.id, type: row.type, data: row.data } as OutsideMessage
      const reference = await this.#receiver(row).deliver(message)
      await database.transaction(async (tx) => {
        await tx.query(
          `update approvals.message set delivered_at = clock_timestamp(), next_at = clock_timestamp(),
             attempts = attempts + 1, last_error = null, reference = $2 where id = $1`,
          [row.id, reference ?? null],
        )
        if (reference === undefined || row.type !== 'approval.requested') return
        await tx.query(
          'update registry.approval set external_ref = coalesce(external_ref, $2) where id = $1',
          [row.subject, reference],
        )
      })
    } catch (error) {
      const final = row.expired || (error instanceof RingfenceError && error.code === 'conflict')
      log?.(`${row.receiver}: ${codeOf(error)}${final ? ', given up' : ''}`)
      await database.query(
        `update approvals.message set attempts = attempts + 1, last_error = $2,
           next_at = clock_timestamp() + make_interval(secs => $3),
           given_up_at = case when $4 then clock_timestamp() end
          where id = $1`,
        [row.id, messageOf(error).slice(0, 500), this.#pauseMs(row.attempts) / 1000, final],
      )
    }
  }

  async #ask(row: Row): Promise<void> {
    const { database, decide, log } = this.#options
    try {
      const receiver = this.#receiver(row)
      const decision = await receiver.decisionOn?.(row.subject)
      if (receiver.decisionOn !== undefined && decision === undefined) {
        // Still open there. Decided or expired here, it need not be asked for again.
        const [open] = await database.query(
          `select 1 from registry.approval where id = $1 and state = 'pending'`,
          [row.subject],
        )
        if (open !== undefined) return
      }
      if (decision !== undefined) {
        await decide(decision).catch((error: unknown) => {
          if (!isRefusal(error)) throw error
          log?.(`${row.receiver}: a decision was refused: ${codeOf(error)}`)
        })
      }
      await database.query(
        'update approvals.message set decided_at = clock_timestamp() where id = $1',
        [row.id],
      )
    } catch (error) {
      log?.(`${row.receiver}: no answer about an approval: ${codeOf(error)}`)
    }
  }

  #receiver(row: Row): Receiver {
    const receiver = this.#options.receivers.find(({ name }) => name === row.receiver)
    if (receiver === undefined) throw new RingfenceError('internal', 'a claimed row has a receiver')
    return receiver
  }

  /** A growing pause of which a random half is left out. */
  #pauseMs(attempts: number): number {
    const { firstPauseMs = FIRST_PAUSE_MS } = this.#options
    const pause = Math.min(firstPauseMs * 2 ** Math.min(attempts, 20), LONGEST_PAUSE_MS)
    return pause * (0.5 + Math.random() / 2)
  }
}

/** The same for the same message, and without a dot, as Standard Webhooks asks of an id. */
function messageId(receiver: string, type: string, subject: string): string {
  const text = JSON.stringify([receiver, type, subject])
  return `msg_${createHash('sha256').update(text).digest('base64url').slice(0, 27)}`
}

/** What asking again would not change. */
function isRefusal(error: unknown): boolean {
  return (
    error instanceof RingfenceError &&
    ['conflict', 'forbidden', 'not_found', 'invalid_argument'].includes(error.code)
  )
}

function codeOf(error: unknown): string {
  return error instanceof RingfenceError ? `${error.code}: ${error.message}` : 'internal'
}
