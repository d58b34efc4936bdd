import type { Subject } from '../../../core/names.ts'
import type { TenantId } from '../../../core/tenant.ts'

/** One place where a user is signed in. */
export interface SessionSummary {
  /** Opaque; to end it by. */
  readonly id: string
  /** The session that asks. */
  readonly current: boolean
  /** Of the browser, as it names itself. */
  readonly userAgent: string | undefined
  readonly address: string | undefined
  readonly signedInAt: Date
  readonly lastSeenAt: Date
}

/**
 * A user's sessions. `current` is the asking session's uid. Ids of another user, or of another
 * tenant, are as unknown as random ones: ending them does nothing.
 */
export interface Sessions {
  list(tenant: TenantId, subject: Subject, current: string): Promise<readonly SessionSummary[]>
  end(tenant: TenantId, subject: Subject, id: string): Promise<void>
  endOthers(tenant: TenantId, subject: Subject, current: string): Promise<void>
}

/** An application that the user has let in. */
export interface ConnectedApp {
  readonly client: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly since: Date
}

export interface ConnectedApps {
  list(tenant: TenantId, subject: Subject): Promise<readonly ConnectedApp[]>
  /** Takes back what was allowed, with its refresh tokens. */
  takeBack(tenant: TenantId, subject: Subject, client: string): Promise<void>
}

/** Access that the platform's operators ask for or have, as the tenant's own record shows it. */
export interface SupportCase {
  readonly id: string
  readonly operator: string
  readonly reason: string
  readonly scope: string
  readonly state: 'requested' | 'approved' | 'active' | 'ended' | 'denied' | 'expired' | 'revoked'
  readonly requestedAt: Date
  readonly endsAt: Date | undefined
  /** Its state waits for this tenant to say yes or no. */
  readonly awaitsConsent: boolean
}

/** For the tenant's own administrators. `by` is who decides, and is recorded. */
export interface SupportAccess {
  /** Whether this user is one of them. */
  mayDecide(tenant: TenantId, subject: Subject): Promise<boolean>
  list(tenant: TenantId): Promise<readonly SupportCase[]>
  consent(tenant: TenantId, id: string, by: Subject): Promise<void>
  deny(tenant: TenantId, id: string, by: Subject): Promise<void>
  revoke(tenant: TenantId, id: string, by: Subject): Promise<void>
}
