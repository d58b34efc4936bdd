import type { Credential, Lease } from '../../core/lease.ts'
import type { Boundary } from '../boundary.ts'

/** One session that a credential opened at the engine. It knows nothing but the credential. */
export interface ConformanceSession {
  /** Stores a text among the tenant's data. Rejects when the engine refuses or the session is gone. */
  write(text: string): Promise<void>
  /** All texts in sight, without any filter of one's own. Rejects like `write`. */
  read(): Promise<readonly string[]>
  close(): Promise<void>
}

/** An engine under test. Tenants appear and go on it: give it one of its own. */
export interface ConformanceSubject<C extends Credential = Credential> {
  readonly boundary: Boundary<C>
  /** Opens a session with nothing but the lease's credential. Rejects when the engine refuses it. */
  connect(lease: Lease<C>): Promise<ConformanceSession>
  /** Makes the engine refuse the boundary itself, until the function that is returned is called. */
  outage(): Promise<() => Promise<void>>
  close(): Promise<void>
}
