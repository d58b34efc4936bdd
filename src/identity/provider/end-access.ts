import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'
import type { Revocation, RevocationPublisher } from '../../revocation/revocation.ts'
import type { IdentityDatabase, Rows } from '../identity-database.ts'
import type { ArtifactsOf, ArtifactStore } from './artifact-store.ts'
import type { PostgresArtifacts } from './postgres-artifacts.ts'
import { sessionOfApiKey, sessionOfGrant } from './session-of-grant.ts'

export interface EndAccessOptions {
  readonly database: IdentityDatabase
  readonly artifacts: PostgresArtifacts
  readonly sessions: ArtifactStore
  readonly publisher: RevocationPublisher
}

/**
 * Ends what was issued: codes, refresh tokens, sessions and grants are deleted, and for the access
 * tokens that are out there a revocation is published, in one transaction. Every method may throw
 * RingfenceError `engine_unavailable`, and nothing has happened then.
 */
export class EndAccess {
  readonly #options: EndAccessOptions

  constructor(options: EndAccessOptions) {
    this.#options = options
  }

  /** One access token, and nothing that it came of. */
  async ofToken(tenant: TenantId, id: string): Promise<void> {
    await this.#options.database.transaction((rows) =>
      this.#publish(rows, { kind: 'token', tenant, id }),
    )
  }

  /** A grant: the family of tokens that came of one sign-in at one client. */
  async ofGrant(tenant: TenantId, grant: string): Promise<void> {
    await this.#options.database.transaction(async (rows) => {
      await this.#options.artifacts.removeGrant(rows, tenant, grant)
      await this.#publish(rows, { kind: 'session', tenant, id: sessionOfGrant(grant) })
    })
  }

  /** The tokens of a session (`sid`), whatever it is the session of. */
  async ofSession(rows: Rows, tenant: TenantId, id: string): Promise<void> {
    await this.#publish(rows, { kind: 'session', tenant, id })
  }

  /** In the transaction that deletes the key. */
  async ofApiKey(rows: Rows, tenant: TenantId, id: string): Promise<void> {
    await this.#publish(rows, { kind: 'session', tenant, id: sessionOfApiKey(id) })
  }

  /** All of a user, in the transaction that makes the user inactive. */
  async ofSubject(rows: Rows, tenant: TenantId, subject: Subject): Promise<void> {
    await this.#end(rows, tenant, { kind: 'subject', subject })
    await this.#publish(rows, { kind: 'subject', tenant, id: subject })
  }

  /** All that a client was given, in the transaction that changes or removes it. */
  async ofClient(rows: Rows, tenant: TenantId, client: string): Promise<void> {
    await this.#end(rows, tenant, { kind: 'client', client })
    await this.#publish(rows, { kind: 'client', tenant, id: client })
  }

  /** All of a realm, in the transaction that closes it or replaces its keys. */
  async ofTenant(rows: Rows, tenant: TenantId): Promise<void> {
    await this.#end(rows, tenant, { kind: 'tenant' })
    await this.#publish(rows, { kind: 'tenant', tenant })
  }

  /** All of all realms. */
  async ofEverything(rows: Rows): Promise<void> {
    const realms = (await rows.query<{ tenant: TenantId }>(
      'select tenant from identity.realm order by tenant',
    )) as readonly { readonly tenant: TenantId }[]
    for (const { tenant } of realms) await this.#end(rows, tenant, { kind: 'tenant' })
    await this.#publish(rows, { kind: 'everything' })
  }

  async #end(rows: Rows, tenant: TenantId, of: ArtifactsOf): Promise<void> {
    const { artifacts, sessions } = this.#options
    // First: it makes those wait who would end or begin the same.
    await sessions.end(rows, tenant, of)
    if (sessions !== artifacts) await artifacts.end(rows, tenant, of)
  }

  #publish(rows: Rows, revocation: Unstamped): Promise<void> {
    return this.#options.publisher.publish(rows, { ...revocation, at: new Date() })
  }
}

type Unstamped = Revocation extends infer R ? (R extends Revocation ? Omit<R, 'at'> : never) : never
