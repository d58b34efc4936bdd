import type { Connection } from '../connection/connection.ts'
import type { IdentityDatabase } from '../../identity-database.ts'
import { hashOf } from '../flow/secret-value.ts'

/** Assertions that were handed in, so that none is good twice. Shared by all processes. */
export class UsedAssertions {
  readonly #database: IdentityDatabase

  constructor(database: IdentityDatabase) {
    this.#database = database
  }

  /** True the first time. @param until when no assertion of this id could be valid any more */
  async use(
    { tenant, id: connection }: Pick<Connection, 'tenant' | 'id'>,
    assertion: string,
    until: Date,
  ): Promise<boolean> {
    const entered = await this.#database.query(
      `insert into identity.federation_used (tenant, connection, id_sha256, expires_at)
       values ($1, $2, $3, $4) on conflict do nothing returning tenant`,
      [tenant, connection, hashOf(assertion), until],
    )
    return entered.length > 0
  }

  async deleteExpired(): Promise<void> {
    await this.#database.query('delete from identity.federation_used where expires_at < now()')
  }
}
