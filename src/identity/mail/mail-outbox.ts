import { randomBytes } from 'node:crypto'
import { messageOf, RingfenceError } from '../../core/errors.ts'
import { parseTenantId, type TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import type { SealingKey } from '../sealing-key.ts'
import { checkMail, type Mail, type Mailer } from './mail.ts'
import { veiled } from './mail-address.ts'
import { openedMail, sealedMail } from './sealed-mail.ts'

const ID_BYTES = 16
/** So many of one realm may wait. More is a flood, or a mail server that has been away for long. */
export const WAITING_MAX = 1_000
const ATTEMPTS_MAX = 10
/** Longer than an attempt can take: a process that was killed in one has let go by then. */
const HOLD_SECONDS = 120
const BATCH = 4
/** Of one realm at a time, so that its flood does not keep others' mail waiting. */
const BATCH_OF_REALM = 2
const FIRST_PAUSE_SECONDS = 15
const PAUSE_SECONDS_MAX = 1_800

export interface MailOutboxOptions {
  readonly database: IdentityDatabase
  readonly sealing: SealingKey
  readonly mailer: Mailer
  /** Takes one line. Neither an address nor a link is in it. */
  readonly log: (line: string) => void
  /** Seconds until attempt `n` + 1, between half and all of it by chance. Default from 15 s, doubled, up to 30 min. */
  readonly pauseSeconds?: (n: number) => number
}

interface MailRow {
  readonly tenant: string
  readonly id: string
  readonly sealed: Buffer
  readonly attempts: number
}

/**
 * Mail that waits for delivery. It is entered in the transaction of what it is about, and delivered at
 * least once: a process that is killed between handing over and noting it sends it again, under the
 * same Message-ID. Several processes may deliver at once.
 */
export class MailOutbox {
  readonly #options: MailOutboxOptions

  constructor(options: MailOutboxOptions) {
    this.#options = options
  }

  /**
   * Enters a mail with the caller's transaction.
   * @param make the mail, given the id that it must have
   * @throws RingfenceError `overloaded`, `invalid_argument` (what it says)
   */
  async enter(
    rows: Rows,
    tenant: TenantId,
    seconds: number,
    make: (id: string) => Mail,
  ): Promise<void> {
    const id = randomBytes(ID_BYTES).toString('base64url')
    const mail = checkMail(make(id))
    const [waiting] = await rows.query<{ n: number }>(
      `select count(*)::int as n from
         (select from identity.mail where tenant = $1 limit ${WAITING_MAX}) as few`,
      [tenant],
    )
    if ((waiting?.n ?? 0) >= WAITING_MAX) {
      throw new RingfenceError('overloaded', 'too much mail waits to be sent')
    }
    await rows.query(
      `insert into identity.mail (tenant, id, sealed, expires_at)
       values ($1, $2, $3, now() + make_interval(secs => $4))`,
      [tenant, id, sealedMail(this.#options.sealing, tenant, mail), seconds],
    )
  }

  /**
   * Tries each mail that is due, once. True when there may be more of them.
   * @throws RingfenceError `engine_unavailable`
   */
  async deliver(): Promise<boolean> {
    const taken = await this.#take()
    await Promise.all(taken.map((row) => this.#deliverOne(row)))
    return taken.length > 0
  }

  async #take(): Promise<readonly MailRow[]> {
    const { database, log } = this.#options
    const late = await database.query<{ tenant: string; id: string }>(
      'delete from identity.mail where expires_at <= now() returning tenant, id',
    )
    for (const { tenant, id } of late) log(`mail ${id} of realm ${tenant} was never taken`)
    return database.query<MailRow>(
      `with due as (
         select tenant, id, next_at,
           row_number() over (partition by tenant order by next_at) as place
         from identity.mail where next_at <= now()
       ), chosen as (
         select m.tenant, m.id from identity.mail m
         where m.next_at <= now() and (m.tenant, m.id) in (
           select tenant, id from due where place <= ${BATCH_OF_REALM} order by next_at limit ${BATCH})
         for update skip locked
       )
       update identity.mail m
         set next_at = now() + make_interval(secs => ${HOLD_SECONDS}), attempts = attempts + 1
       from chosen where m.tenant = chosen.tenant and m.id = chosen.id
       returning m.tenant, m.id, m.sealed, m.attempts`,
    )
  }

  async #deliverOne(row: MailRow): Promise<void> {
    const { database, sealing, mailer, log } = this.#options
    const tenant = parseTenantId(row.tenant)
    try {
      await mailer.send(openedMail(sealing, tenant, row.id, row.sealed))
    } catch (error) {
      const failure = withoutAddresses(messageOf(error))
      log(`mail ${row.id} of realm ${tenant}, attempt ${row.attempts}: ${failure}`)
      return this.#putOff(tenant, row)
    }
    await database.query('delete from identity.mail where tenant = $1 and id = $2', [
      tenant,
      row.id,
    ])
  }

  async #putOff(tenant: TenantId, { id, attempts }: MailRow): Promise<void> {
    const { database, log } = this.#options
    if (attempts >= ATTEMPTS_MAX) {
      await database.query('delete from identity.mail where tenant = $1 and id = $2', [tenant, id])
      log(`mail ${id} of realm ${tenant} is given up`)
      return
    }
    const pause = (this.#options.pauseSeconds ?? pauseSeconds)(attempts)
    await database.query(
      `update identity.mail set next_at = now() + make_interval(secs => $3)
       where tenant = $1 and id = $2`,
      [tenant, id, pause * (0.5 + Math.random() / 2)],
    )
  }
}

const pauseSeconds = (n: number) => Math.min(FIRST_PAUSE_SECONDS * 2 ** (n - 1), PAUSE_SECONDS_MAX)

/** Servers repeat the recipient when they refuse it. */
const withoutAddresses = (text: string) => text.replace(/[^\s<>"']+@[^\s<>"']+/g, veiled)
