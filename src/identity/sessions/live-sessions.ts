import { type AdapterPayload, Provider } from 'oidc-provider'
import type { TenantId } from '../../core/tenant.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import type {
  Artifact,
  ArtifactKey,
  ArtifactsOf,
  ArtifactStore,
} from '../provider/artifact-store.ts'
import { realmSettingsSchema } from '../provider/realm-settings.ts'
import { keepConnection, noteConnection } from './federated-sessions.ts'
import { cutOff, mayBegin } from './session-cutoff.ts'
import type { SessionEnding } from './session-ending.ts'
import { lockRealmSessions } from './session-locks.ts'
import {
  CLIENTS,
  findRecord,
  insertRecord,
  IS_LIVE,
  liveSession,
  type SessionRecord,
  updateRecord,
} from './session-records.ts'
import { cookieHash, payloadOf, sameClients, type SignedIn, signedIn } from './signed-in.ts'

/** How long a session is kept in which nobody has signed in. Seconds. */
const NOBODYS_SECONDS = 3_600

/** What holds what the provider keeps of sessions and interactions, and decides nothing. */
export type SessionPayloads = Pick<ArtifactStore, 'put' | 'find' | 'remove'>

export interface LiveSessionsOptions {
  readonly database: IdentityDatabase
  readonly payloads: SessionPayloads
  readonly ending: SessionEnding
}

/**
 * The provider's sessions and interactions. What it keeps of them is in one store or another; whether
 * somebody is signed in is for the session's record in PostgreSQL to say, each time. So a session ends
 * in the transaction of what ends it, also while the other store is away or remembers it wrongly, and
 * a request that began before cannot bring it back.
 */
export class LiveSessions implements ArtifactStore {
  readonly #options: LiveSessionsOptions

  constructor(options: LiveSessionsOptions) {
    this.#options = options
  }

  async put(key: ArtifactKey, artifact: Artifact): Promise<void> {
    const { payloads } = this.#options
    if (key.model !== 'Session') return payloads.put(key, withoutCookie(artifact))
    const session = signedIn(key, artifact)
    if (session !== undefined) {
      if (await this.#keep(session)) await payloads.put(key, artifact)
      return
    }
    const seconds = Math.min(artifact.seconds ?? NOBODYS_SECONDS, NOBODYS_SECONDS)
    await payloads.put(key, { ...artifact, seconds })
  }

  async find(key: ArtifactKey): Promise<AdapterPayload | undefined> {
    const { database, payloads } = this.#options
    if (key.model !== 'Session') return payloads.find(key)
    const [payload, live] = await Promise.all([
      payloads.find(key),
      liveSession(database, key.tenant, cookieHash(key.id)),
    ])
    if (payload?.accountId === undefined) return payload
    return payload.uid === live ? payload : undefined
  }

  /** Answered by the record alone: refreshing tokens does not wait for another store. */
  async findByUid(
    tenant: TenantId,
    model: string,
    uid: string,
  ): Promise<AdapterPayload | undefined> {
    if (model !== 'Session') return undefined
    const [row] = await this.#options.database.query<Parameters<typeof payloadOf>[0]>(
      `select s.id, s.subject, s.acr, s.amr, s.signed_in_at, s.expires_at, ${CLIENTS}
       from identity.session s join identity.realm r on r.tenant = s.tenant
       where s.tenant = $1 and s.id = $2 and ${IS_LIVE}`,
      [tenant, uid],
    )
    return row === undefined ? undefined : payloadOf(row)
  }

  async remove(key: ArtifactKey): Promise<void> {
    const { database, ending, payloads } = this.#options
    if (key.model === 'Session' && !getsAnotherCookie(key.id)) {
      await ending.signOut(database, key.tenant, cookieHash(key.id))
    }
    await payloads.remove(key)
  }

  async end(rows: Rows, tenant: TenantId, of: ArtifactsOf): Promise<void> {
    const { ending } = this.#options
    if (of.kind === 'client') {
      await lockRealmSessions(rows, tenant)
      await ending.tell(rows, tenant, {
        condition: 's.ended_at is null and sc.client = $2',
        values: [of.client],
      })
      await rows.query('delete from identity.session_client where tenant = $1 and client = $2', [
        tenant,
        of.client,
      ])
      return
    }
    if (of.kind === 'subject') {
      await cutOff(rows, tenant, of.subject)
      await ending.mark(rows, tenant, { condition: 's.subject = $2', values: [of.subject] })
      return
    }
    await cutOff(rows, tenant)
    await ending.mark(rows, tenant, { condition: 'true', values: [] })
  }

  /** Brings the record up to date where there is something new. False when there is no such session any more. */
  async #keep(session: SignedIn): Promise<boolean> {
    const { database } = this.#options
    const record = await findRecord(database, session)
    const known = session.connection === undefined && record !== undefined
    if (known && saysTheSame(record, session)) return true
    return database.transaction((rows) => this.#write(rows, session))
  }

  async #write(rows: Rows, session: SignedIn): Promise<boolean> {
    const { tenant, subject, clients, connection } = session
    if (connection === undefined || (await keepConnection(rows, tenant, connection))) {
      const record = await findRecord(rows, session, true)
      if (record === undefined) {
        if (await mayBegin(rows, tenant, subject, session.signedInAt)) {
          await insertRecord(rows, session)
          await this.#endOldest(rows, session)
          return this.#noted(rows, session)
        }
      } else if (!record.ended) {
        if (record.subject !== subject || record.retired.includes(session.cookie)) return false
        await updateRecord(rows, session)
        return this.#noted(rows, session)
      }
    }
    // It, or that by which it was signed in, was ended while this request was under way: so is what the request has given.
    const grants = Object.values(clients).flatMap(({ grant }) => (grant === null ? [] : [grant]))
    await this.#options.ending.takeBack(rows, tenant, grants)
    return false
  }

  async #noted(rows: Rows, session: SignedIn): Promise<true> {
    const { connection } = session
    if (connection !== undefined) await noteConnection(rows, session, connection)
    return true
  }

  /** Ends those beyond as many as a user may have, the longest signed in first. */
  async #endOldest(rows: Rows, { tenant, subject, id }: SignedIn): Promise<void> {
    const [realm] = await rows.query<{ settings: unknown }>(
      'select settings from identity.realm where tenant = $1',
      [tenant],
    )
    const { most } = realmSettingsSchema.parse(realm?.settings ?? {}).session
    await this.#options.ending.end(rows, tenant, {
      condition: `s.id in (
        select s.id from identity.session s join identity.realm r on r.tenant = s.tenant
        where s.tenant = $1 and s.subject = $2 and s.id <> $3 and ${IS_LIVE}
        order by s.signed_in_at desc, s.seen_at desc offset $4)`,
      values: [subject, id, most - 1],
    })
  }
}

/** An interaction without the cookie of the session that it began in, which nobody asks it for. */
function withoutCookie(artifact: Artifact): Artifact {
  const { session } = artifact.payload
  if (session === undefined) return artifact
  const { cookie: _, ...rest } = session
  return { ...artifact, payload: { ...artifact.payload, session: rest } }
}

/**
 * True while the provider gives the session of the request under way another cookie: it has the old
 * one removed and then keeps the session under the new one, which takes the old one out of use.
 */
function getsAnotherCookie(id: string): boolean {
  const session: object | undefined = Provider.ctx?.oidc?.session
  return session !== undefined && 'oldId' in session && session.oldId === id
}

function saysTheSame(record: SessionRecord, session: SignedIn): boolean {
  return (
    !record.ended &&
    !record.stale &&
    record.subject === session.subject &&
    record.cookie === session.cookie &&
    record.device === session.device &&
    record.acr === (session.acr ?? null) &&
    record.amr.join(' ') === session.amr.join(' ') &&
    record.signed_in === session.signedInAt &&
    sameClients(record.clients, session.clients)
  )
}
