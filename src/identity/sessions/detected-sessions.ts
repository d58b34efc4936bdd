import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import { type SessionEnding, theseSessions } from './session-ending.ts'
import { findSession } from './session-list.ts'
import { lockUserSessions } from './session-locks.ts'

interface Detected {
  readonly tenant: TenantId
  readonly id: string
}

/**
 * Ends what detectors have voided, with its refresh tokens: a revocation is over in an hour, and they are
 * not. In one transaction with the note that it was to be done, so that it is done though processes die.
 */
export class DetectedSessions {
  readonly #database: IdentityDatabase
  readonly #ending: SessionEnding
  readonly #ended: () => void

  /** @param ended called when something has ended: others are to be told, and stores to be cleared */
  constructor(database: IdentityDatabase, ending: SessionEnding, ended: () => void) {
    this.#database = database
    this.#ending = ending
    this.#ended = ended
  }

  /** One of them. Resolves with whether there was one: then there may be more. */
  async round(): Promise<boolean> {
    const found = await this.#database.transaction(async (rows) => {
      const [detected] = await rows.query<Detected>(
        `select tenant, id from revocation.detected_session
          order by at limit 1 for update skip locked`,
      )
      if (detected === undefined) return false
      await this.#end(rows, detected)
      await rows.query('delete from revocation.detected_session where tenant = $1 and id = $2', [
        detected.tenant,
        detected.id,
      ])
      return true
    })
    if (found) this.#ended()
    return found
  }

  async #end(rows: Rows, { tenant, id }: Detected): Promise<void> {
    const session = await findSession(rows, tenant, id)
    if (session !== undefined) {
      await lockUserSessions(rows, tenant, session.subject)
      await this.#ending.end(rows, tenant, theseSessions([session.id]))
    }
    // What a client may go on with when its user has signed out, or never was at a browser of ours.
    const grants = await rows.query<{ id: string }>(
      `select id from identity.artifact where tenant = $1 and model = 'Grant' and uid = $2`,
      [tenant, id],
    )
    await this.#ending.takeBack(
      rows,
      tenant,
      grants.map((grant) => grant.id),
    )
  }
}
