import type { Application } from '../manifest.ts'
import type { Names, TenantKey } from '../names.ts'

/** What the rules need to know of a server. */
export interface ServerSubject {
  readonly names: Names
  /** `server_version_num` */
  readonly serverVersion: number
  /** True when the server is Ringfence's alone, so that its other databases are looked at too. */
  readonly exclusive: boolean
  /** True for a copy that nobody will need after a crash: leaves out the rules on durability. */
  readonly throwAway: boolean
}

/** What the rules need to know of one database with tenant rows. */
export interface DatabaseSubject extends ServerSubject {
  /** What was installed in it: the catalog is held against these, not against its own register. */
  readonly applications: readonly Application[]
  /** Tenants whose logins may connect: the one of a bridge or silo. */
  readonly keys: readonly TenantKey[]
  /** True when the tenants of the pooled groups may connect. */
  readonly pooled: boolean
}
