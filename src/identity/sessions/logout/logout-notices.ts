import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase } from '../../identity-database.ts'

/** How often a client is tried: over about twenty minutes. */
const ATTEMPTS_MAX = 10
const WAIT_SECONDS_MAX = 300
/** Those that one round takes, so that an address that hangs holds up no more. */
const ROUND = 20

/** A client that is to be told that a session of its user is over. */
export interface LogoutNotice {
  readonly tenant: TenantId
  readonly client: string
  readonly subject: string
  readonly sid: string
}

/** Tells one client. Rejects when it did not take it; resolves also when there is nobody to tell. */
export type SendLogout = (notice: LogoutNotice) => Promise<void>

/**
 * Who is still to be told. A notice is entered with what it is about, in one transaction, and gone
 * when the client took it or was tried often enough; a client may be told twice.
 */
export class LogoutNotices {
  readonly #database: IdentityDatabase
  readonly #send: SendLogout

  constructor(database: IdentityDatabase, send: SendLogout) {
    this.#database = database
    this.#send = send
  }

  /** One that was tried once, when its user signed out. */
  static async enter(
    database: IdentityDatabase,
    { tenant, client, subject, sid }: LogoutNotice,
  ): Promise<void> {
    await database.query(
      `insert into identity.logout_notice (tenant, client, subject, sid, attempts, due_at)
       values ($1, $2, $3, $4, 1, now() + interval '5 seconds')`,
      [tenant, client, subject, sid],
    )
  }

  /** Tells those that are due. True when there may be more to do at once. */
  async round(): Promise<boolean> {
    const due = await this.#take()
    await Promise.all(due.map((notice) => this.#tell(notice)))
    return due.length === ROUND
  }

  /** Whoever takes one has it for itself until its next turn. Those that failed wait behind others. */
  #take(): Promise<readonly Row[]> {
    return this.#database.query<Row>(
      `update identity.logout_notice n set attempts = n.attempts + 1,
         due_at = now() + make_interval(secs =>
           least(power(2, n.attempts + 1), ${WAIT_SECONDS_MAX}) * (0.75 + random() / 2) + 5)
       from (select tenant, id from identity.logout_notice where due_at <= now()
         order by attempts, due_at limit ${ROUND} for update skip locked) due
       where n.tenant = due.tenant and n.id = due.id
       returning n.tenant, n.id, n.client, n.subject, n.sid, n.attempts`,
    )
  }

  async #tell({ id, attempts, ...notice }: Row): Promise<void> {
    const took = await this.#send(notice).then(
      () => true,
      () => false,
    )
    if (!took && attempts < ATTEMPTS_MAX) return
    await this.#database.query('delete from identity.logout_notice where tenant = $1 and id = $2', [
      notice.tenant,
      id,
    ])
  }
}

interface Row extends LogoutNotice {
  readonly id: string
  readonly attempts: number
}
