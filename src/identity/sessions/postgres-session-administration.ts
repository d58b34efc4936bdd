import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import type { EndAccess } from '../provider/end-access.ts'
import type { Session, SessionAdministration, SessionPage, SessionQuery } from './session.ts'
import { type SessionEnding, theseSessions, type Which } from './session-ending.ts'
import { lockUserSessions } from './session-locks.ts'
import { findSession, listSessions } from './session-list.ts'

export interface SessionAdministrationOptions {
  readonly database: IdentityDatabase
  readonly endAccess: EndAccess
  readonly ending: SessionEnding
  /** Called when something has ended: others are to be told, and stores to be cleared. */
  readonly ended: () => void
}

export class PostgresSessionAdministration implements SessionAdministration {
  readonly #options: SessionAdministrationOptions

  constructor(options: SessionAdministrationOptions) {
    this.#options = options
  }

  list(tenant: TenantId, query: SessionQuery): Promise<SessionPage> {
    return listSessions(this.#options.database, tenant, query)
  }

  get(tenant: TenantId, id: string): Promise<Session | undefined> {
    return findSession(this.#options.database, tenant, id)
  }

  async endSession(tenant: TenantId, id: string, only?: Subject): Promise<boolean> {
    const session = await this.get(tenant, id)
    if (session === undefined || (only !== undefined && session.subject !== only)) return false
    const which = theseSessions([session.id])
    return (await this.#endThese(tenant, session.subject, which)) > 0
  }

  endDevice(tenant: TenantId, subject: Subject, device: string): Promise<number> {
    return this.#endThese(tenant, subject, {
      condition: 's.subject = $2 and s.device = $3',
      values: [subject, device],
    })
  }

  endOthers(tenant: TenantId, subject: Subject, id: string): Promise<number> {
    return this.#endThese(tenant, subject, {
      condition: 's.subject = $2 and s.id <> $3',
      values: [subject, id],
    })
  }

  endSubject(tenant: TenantId, subject: Subject): Promise<void> {
    const { endAccess } = this.#options
    return this.#end((rows) => endAccess.ofSubject(rows, tenant, subject))
  }

  endClient(tenant: TenantId, client: string): Promise<void> {
    const { endAccess } = this.#options
    return this.#end((rows) => endAccess.ofClient(rows, tenant, client))
  }

  endTenant(tenant: TenantId): Promise<void> {
    const { endAccess } = this.#options
    return this.#end((rows) => endAccess.ofTenant(rows, tenant))
  }

  #endThese(tenant: TenantId, subject: Subject, which: Which): Promise<number> {
    return this.#end(async (rows) => {
      await lockUserSessions(rows, tenant, subject)
      return this.#options.ending.end(rows, tenant, which)
    })
  }

  async #end<T>(work: (rows: Rows) => Promise<T>): Promise<T> {
    const result = await this.#options.database.transaction(work)
    this.#options.ended()
    return result
  }
}
