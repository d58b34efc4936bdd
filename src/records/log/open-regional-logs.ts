import { messageOf, RingfenceError } from '../../core/errors.ts'
import type { ConfigurationSource } from '../../snapshot/snapshot.ts'
import type { LogDatabaseSettings } from './log-database.ts'
import { tenantOf } from './log-parts.ts'
import { type LogStoreOptions, openLogStore } from './open-log-store.ts'
import type { PostgresLogStore } from './postgres-log-store.ts'
import { RegionalLogs } from './regional-logs.ts'
import { TenantRegions } from './tenant-regions.ts'

/** The store of the platform's own log, and of all others where no regions are told apart. */
const HOME = ''
const AGAIN_MS = 5_000

/** A region, and the database that its tenants' logs are in. */
export interface LogRegion {
  readonly region: string
  /** Undefined: the control database. */
  readonly database: LogDatabaseSettings | undefined
}

export interface RegionalLogsOptions extends Omit<LogStoreOptions, 'log'> {
  /** None: all logs are in the control database. */
  readonly regions: readonly LogRegion[]
  readonly source: ConfigurationSource
  readonly log: (line: string) => void
  /** How often a database that was away at the start is looked for. Default 5 s. */
  readonly againMs?: number
  /** Told of each store as it is opened. */
  readonly onOpen?: (store: PostgresLogStore) => void
}

export interface OpenLogs {
  readonly logs: RegionalLogs<PostgresLogStore>
  /** Those that are open now. */
  stores(): readonly PostgresLogStore[]
  /** Undefined where no regions are told apart. */
  readonly regions: TenantRegions | undefined
  close(): Promise<void>
}

/**
 * Opens the logs of all regions. A region whose database is away keeps no other from starting; what is
 * told of its tenants waits.
 * @throws RingfenceError as `openLogStore` does for the control database's own; `conflict` when logs are in
 *   another database than their tenant's region says
 */
export async function openRegionalLogs(options: RegionalLogsOptions): Promise<OpenLogs> {
  const { regions, source, log, onOpen = () => {}, againMs = AGAIN_MS } = options
  const opened: PostgresLogStore[] = []
  const stores = new Map<string, PostgresLogStore | undefined>()
  const looking = new Set<NodeJS.Timeout>()
  let isClosed = false
  let known: TenantRegions | undefined
  const open = async (database: LogDatabaseSettings) => {
    const store = await openLogStore({ ...options, database })
    opened.push(store)
    onOpen(store)
    return store
  }
  const openRegion = async (region: string, database: LogDatabaseSettings): Promise<void> => {
    try {
      const store = await open(database)
      if (isClosed) await store.close()
      else stores.set(region, store)
    } catch (error) {
      log(`the logs of region ${region} wait: ${messageOf(error)}`)
      if (isClosed) return
      const timer = setTimeout(() => {
        looking.delete(timer)
        void openRegion(region, database)
      }, againMs).unref()
      looking.add(timer)
    }
  }
  const close = async () => {
    isClosed = true
    for (const timer of looking) clearTimeout(timer)
    await known?.close()
    for (const store of opened.toReversed()) await store.close()
  }
  try {
    const home = await open(options.database)
    stores.set(HOME, home)
    if (regions.length > 0) {
      known = await TenantRegions.open({ database: options.database, source, log })
      await known.settled()
      await refuseStrays(home, known, regions)
    }
    for (const { region, database } of regions) {
      stores.set(region, database === undefined ? home : undefined)
      if (database !== undefined) await openRegion(region, database)
    }
  } catch (error) {
    await close()
    throw error
  }
  const regionOf = known?.of.bind(known) ?? (() => HOME)
  return {
    logs: new RegionalLogs({ stores, home: HOME, regionOf }),
    stores: () => opened,
    regions: known,
    close,
  }
}

/** A log that began in the control database would go on in another: two halves, and neither is whole. */
async function refuseStrays(
  home: PostgresLogStore,
  known: TenantRegions,
  regions: readonly LogRegion[],
): Promise<void> {
  const here = new Set(regions.filter(({ database }) => database === undefined).map(nameOf))
  for (const { log } of await home.logs()) {
    const tenant = tenantOf(log)
    if (tenant === undefined) continue
    const region = known.of(tenant)
    if (region !== undefined && here.has(region)) continue
    throw new RingfenceError(
      'conflict',
      `${log} is in the control database, and its region's logs are not: name that region there, or move it`,
    )
  }
}

const nameOf = ({ region }: LogRegion) => region
