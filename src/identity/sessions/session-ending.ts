import type { TenantId } from '../../core/tenant.ts'
import type { RevocationPublisher } from '../../revocation/revocation.ts'
import type { Rows } from '../identity-database.ts'
import type { PostgresArtifacts } from '../provider/postgres-artifacts.ts'
import { sessionOfGrant } from '../provider/session-of-grant.ts'
import { enter } from '../entering.ts'

/** Which sessions of a realm: SQL about `s`, with the values from `$2` on. */
export interface Which {
  readonly condition: string
  readonly values: readonly unknown[]
}

export const theseSessions = (ids: readonly string[]): Which => ({
  condition: 's.id = any ($2)',
  values: [ids],
})

/** Ends sessions, each time in the transaction of its caller, who has locked them (session-locks.ts). */
export class SessionEnding {
  readonly #artifacts: PostgresArtifacts
  readonly #publisher: RevocationPublisher

  constructor(artifacts: PostgresArtifacts, publisher: RevocationPublisher) {
    this.#artifacts = artifacts
    this.#publisher = publisher
  }

  /** Ends them with all that came of them. Returns how many there were. */
  async end(rows: Rows, tenant: TenantId, which: Which): Promise<number> {
    const ended = await this.mark(rows, tenant, which)
    const grants = await rows.query<{ grant_id: string }>(
      `select grant_id from identity.session_client
       where tenant = $1 and session = any ($2) and grant_id is not null`,
      [tenant, ended],
    )
    for (const { grant_id } of grants) {
      await this.#artifacts.removeGrant(rows, tenant, grant_id)
      await this.#revoke(rows, tenant, grant_id)
    }
    return ended.length
  }

  /** Ends the grants that were given in sessions and outlive them (`offline_access`). */
  async endWhatOutlives(rows: Rows, tenant: TenantId, sessions: readonly string[]): Promise<void> {
    const grants = await rows.query<{ grant_id: string }>(
      `select distinct grant_id from identity.artifact
       where tenant = $1 and grant_id is not null and payload ->> 'sessionUid' = any ($2)`,
      [tenant, sessions],
    )
    await this.takeBack(
      rows,
      tenant,
      grants.map(({ grant_id }) => grant_id),
    )
  }

  /**
   * Ends them, and leaves it to the caller to revoke what came of them. Clients that want to know are
   * told later. Returns their ids.
   */
  async mark(rows: Rows, tenant: TenantId, which: Which): Promise<readonly string[]> {
    const marked = await rows.query<{ id: string }>(
      `update identity.session s set ended_at = now()
       where s.tenant = $1 and s.ended_at is null and ${which.condition} returning s.id`,
      [tenant, ...which.values],
    )
    const ids = marked.map(({ id }) => id)
    for (const id of ids) {
      const object = { type: 'session', id }
      await enter(rows, tenant, {
        ...{ category: 'revocation', action: 'session.ended', object, decision: 'done' },
      })
    }
    await this.tell(rows, tenant, theseSessions(ids))
    await rows.query(
      `delete from identity.artifact where tenant = $1 and model = 'Session' and uid = any ($2)`,
      [tenant, ids],
    )
    return ids
  }

  /** Ends the session that the cookie is of, when the provider itself sees to the rest. */
  async signOut(rows: Rows, tenant: TenantId, cookie: string): Promise<void> {
    const ended = await rows.query<{ id: string; subject: string }>(
      `update identity.session set ended_at = now()
       where tenant = $1 and cookie = $2 and ended_at is null returning id, subject`,
      [tenant, cookie],
    )
    for (const { id, subject } of ended) {
      await enter(rows, tenant, {
        ...{ category: 'authentication', action: 'user.signed-out', decision: 'done' },
        actor: { kind: 'user', id: subject },
        object: { type: 'session', id },
      })
    }
  }

  /** Has clients told that the sessions are over: of those that have an address for it. */
  async tell(rows: Rows, tenant: TenantId, which: Which): Promise<void> {
    await rows.query(
      `insert into identity.logout_notice (tenant, client, subject, sid)
       select s.tenant, sc.client, s.subject, sc.sid
       from identity.session s
         join identity.session_client sc on sc.tenant = s.tenant and sc.session = s.id
         join identity.client c on c.tenant = sc.tenant and c.client = sc.client
       where s.tenant = $1 and ${which.condition}
         and coalesce(c.backchannel_logout_uri, c.registered ->> 'backchannel_logout_uri') is not null`,
      [tenant, ...which.values],
    )
  }

  /** Takes back grants that were made while their session was being ended. */
  async takeBack(rows: Rows, tenant: TenantId, grants: readonly string[]): Promise<void> {
    for (const grant of grants) {
      if (await this.#artifacts.removeGrant(rows, tenant, grant)) {
        await this.#revoke(rows, tenant, grant)
      }
    }
  }

  #revoke(rows: Rows, tenant: TenantId, grant: string): Promise<void> {
    const id = sessionOfGrant(grant)
    return this.#publisher.publish(rows, { kind: 'session', tenant, id, at: new Date() })
  }
}
