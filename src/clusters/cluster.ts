/** How to reach one database of a server. Holds a secret: keep it out of logs, errors and argv. */
export interface ConnectionSettings {
  /** A host name, an address, or the directory of a unix socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password?: string
  readonly database: string
  /** As `pg` takes it. Absent means no TLS. */
  readonly ssl?: boolean | object
}

/** A running PostgreSQL server and the superuser's way in. */
export interface Cluster {
  readonly name: string
  /** The superuser, connected to the database `postgres` (or to the one that an external URL names). */
  readonly admin: ConnectionSettings
  /** `server_version_num`: 180004 is 18.4. */
  readonly serverVersion: number
  /** Where an embedded cluster keeps its state; undefined for an external server. */
  readonly directory: string | undefined
  readonly embedded: boolean
  /**
   * Embedded: ends all sessions, shuts the server down and waits until its process is gone; a second
   * call waits for the first. External: resolves and leaves the server alone.
   */
  stop(): Promise<void>
}
