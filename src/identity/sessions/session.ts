import type { Subject } from '../../core/names.ts'
import type { TenantId } from '../../core/tenant.ts'

/** A client that a session has let in. */
export interface SessionClient {
  readonly client: string
  /** `sid` in the tokens that the client got by it. */
  readonly sid: string
}

/** One browser in which a user is signed in. */
export interface Session {
  /** Stays the same for the life of the session. Nothing can be opened with it. */
  readonly id: string
  readonly subject: Subject
  readonly startedAt: Date
  /** Later than `startedAt` when the user has signed in again. */
  readonly signedInAt: Date
  /** To the minute. */
  readonly seenAt: Date
  /** What the browser says it is, in two words: "Firefox on Windows". A guess. */
  readonly device: string
  /** All of what it says, or what 500 characters hold of it. */
  readonly userAgent: string | undefined
  /** IP address from which it was last seen. */
  readonly address: string | undefined
  /** How sure the sign-in was. */
  readonly acr: string | undefined
  /** How the user has signed in (RFC 8176). */
  readonly amr: readonly string[]
  readonly clients: readonly SessionClient[]
}

export interface SessionQuery {
  readonly subject?: string | undefined
  readonly client?: string | undefined
  readonly device?: string | undefined
  /** 1 to 500. */
  readonly limit: number
  /** `next` of the page before, of the same tenant and filter. */
  readonly cursor?: string | undefined
}

export interface SessionPage {
  readonly items: readonly Session[]
  readonly next: string | undefined
}

/**
 * The sessions of realms. What is named and is not there, or is another tenant's, is as unknown as
 * a random name.
 *
 * Ending destroys the sessions, and the grants, refresh tokens and device codes that came of them,
 * and publishes a revocation for the access tokens: all of it or nothing, before the call returns.
 * Clients that asked for it are told afterwards. Every method may throw RingfenceError
 * `engine_unavailable`, and nothing has ended then.
 */
export interface SessionAdministration {
  /** The last signed in first. @throws RingfenceError `invalid_argument` for a limit or cursor */
  list(tenant: TenantId, query: SessionQuery): Promise<SessionPage>
  /** By its id, or by a `sid` of a token. */
  get(tenant: TenantId, id: string): Promise<Session | undefined>
  /**
   * One session, by its id or by a `sid` of a token. Resolves with whether there was one.
   * @param only of this user alone
   */
  endSession(tenant: TenantId, id: string, only?: Subject): Promise<boolean>
  /** All of a user's on one device, as sessions name it. Resolves with how many there were. */
  endDevice(tenant: TenantId, subject: Subject, device: string): Promise<number>
  /** All of a user's but this one. Resolves with how many there were. */
  endOthers(tenant: TenantId, subject: Subject, id: string): Promise<number>
  /** All of a user, and what it has given to clients for the time without a session. */
  endSubject(tenant: TenantId, subject: Subject): Promise<void>
  /** All that a client was given. Its users stay signed in to the realm. */
  endClient(tenant: TenantId, client: string): Promise<void>
  /** All of a realm. */
  endTenant(tenant: TenantId): Promise<void>
}
