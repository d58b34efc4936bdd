import { parseSubject, type Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../../identity-database.ts'
import type { Connection } from '../connection/connection.ts'
import { type ConnectionId, parseConnectionId } from '../connection/connection-id.ts'
import type { ExternalUser } from '../external-user.ts'
import { removeFederatedRoles } from './federated-roles.ts'
import { enterChange } from '../../entering.ts'

type Place = Pick<Connection, 'tenant' | 'id'>

/** Who at a provider is which user of a realm. */
export interface Link {
  readonly connection: ConnectionId
  readonly source: string
  readonly externalSubject: string
  readonly subject: Subject
  readonly linkedAt: Date
  readonly usedAt: Date
}

/** Links are a tenant's and a connection's: the same person at the same provider is another elsewhere. */
export class LinkStore {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  async find({ tenant, id }: Place, user: ExternalUser): Promise<Subject | undefined> {
    const [row] = await this.#database.query<{ subject: string }>(
      `select subject from identity.federation_link
       where tenant = $1 and connection = $2 and source = $3 and external_subject = $4`,
      [tenant, id, user.source, user.subject],
    )
    return row === undefined ? undefined : parseSubject(row.subject)
  }

  /** Whether this user is somebody else at the provider already. */
  async isLinked({ tenant, id }: Place, subject: Subject): Promise<boolean> {
    const found = await this.#database.query(
      `select from identity.federation_link
       where tenant = $1 and connection = $2 and subject = $3`,
      [tenant, id, subject],
    )
    return found.length > 0
  }

  /** False when either of the two is linked otherwise. */
  async link(place: Place, user: ExternalUser, subject: Subject): Promise<boolean> {
    const entered = await this.#database.query(
      `insert into identity.federation_link
         (tenant, connection, source, external_subject, subject)
       values ($1, $2, $3, $4, $5) on conflict do nothing returning tenant`,
      [place.tenant, place.id, user.source, user.subject, subject],
    )
    return entered.length > 0 || (await this.find(place, user)) === subject
  }

  async touch({ tenant, id }: Place, user: ExternalUser): Promise<void> {
    await this.#database.query(
      `update identity.federation_link set used_at = now()
       where tenant = $1 and connection = $2 and source = $3 and external_subject = $4`,
      [tenant, id, user.source, user.subject],
    )
  }

  async of(tenant: TenantId, subject: Subject): Promise<readonly Link[]> {
    const rows = await this.#database.query<Row>(
      `select connection, source, external_subject, subject, linked_at, used_at
       from identity.federation_link where tenant = $1 and subject = $2 order by connection`,
      [tenant, subject],
    )
    return rows.map((row) => ({
      connection: parseConnectionId(row.connection),
      source: row.source,
      externalSubject: row.external_subject,
      subject: parseSubject(row.subject),
      linkedAt: row.linked_at,
      usedAt: row.used_at,
    }))
  }

  /**
   * With the roles that came of it. Not an error when there was none.
   * @param ended in the same transaction: what the user has by it is to end
   */
  async unlink(
    tenant: TenantId,
    connection: ConnectionId,
    subject: Subject,
    ended: (rows: Rows) => Promise<void>,
  ): Promise<void> {
    await this.#database.transaction(async (rows) => {
      await ended(rows)
      await removeFederatedRoles(rows, tenant, connection, subject)
      await rows.query(
        `delete from identity.federation_link
         where tenant = $1 and connection = $2 and subject = $3`,
        [tenant, connection, subject],
      )
      await enterChange(rows, tenant, 'user.unlinked', subject, { connection })
    })
  }
}

interface Row {
  readonly connection: string
  readonly source: string
  readonly external_subject: string
  readonly subject: string
  readonly linked_at: Date
  readonly used_at: Date
}
