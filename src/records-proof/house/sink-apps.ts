import type { Hono } from 'hono'
import { type Outside, tenantOutside } from '../../alerts/outside.ts'
import { alertSinksApi } from '../../records/alert-sinks/alert-sinks-api.ts'
import { TenantAlertSinks } from '../../records/alert-sinks/tenant-alert-sinks.ts'
import type { AdministratorsEnv } from '../../records/api/administrators-app.ts'
import { callerOf, type CallerOptions } from '../../records/api/caller.ts'
import type { LogStore } from '../../records/log/log-store.ts'
import { makeStream } from '../../records/streams/open-streams.ts'
import { parted } from '../../records/streams/sink-settings.ts'
import { Sinks } from '../../records/streams/sinks.ts'
import { sinksApi } from '../../records/streams/sinks-api.ts'
import { upstreamGuard } from '../../upstreams/upstream-guard.ts'
import { ORIGIN } from './ground.ts'
import type { Pieces } from './pieces.ts'
import { leadingInside } from './resolver.ts'
import type { Site } from './site.ts'

const GUARD = upstreamGuard({ lookup: leadingInside })

/** How a copy's sinks of tenants reach the outside. */
export function outsideOf(pieces: Pieces): Outside {
  return pieces.outside(tenantOutside({ guard: GUARD }))
}

/** Where tenants say where their logs and their alerts go, and read what is wrong with them. */
export function sinkApps(
  site: Site,
  pieces: Pieces,
  store: LogStore,
  caller: CallerOptions,
): readonly (readonly [path: string, app: Hono<AdministratorsEnv>])[] {
  const { ground, keys, records, billingRows, logged } = site
  const common = {
    callerOf: (headers: Headers) => callerOf(headers, caller),
    log: (line: string) => void logged.push(line),
  }
  const outside = outsideOf(pieces)
  const alertSinks = new TenantAlertSinks({
    ...{ database: billingRows, keys, outside, mail: undefined },
    isActive: (tenant) => !ground.suspended.has(tenant),
  })
  const logSinks = sinksApi({
    ...{ ...common, store, sinks: pieces.logSinks(new Sinks(records, keys), site) },
    check: (sink) => {
      const { settings, secrets } = parted(sink)
      makeStream(settings, secrets, ORIGIN, outside)
    },
  })
  const alerts = alertSinksApi({
    ...{ ...common, alerts: pieces.alerts(site.alerts, site) },
    sinks: pieces.alertSinks(alertSinks, site),
  })
  return [
    // Before what it stands below.
    ['/ringfence/audit/sinks', logSinks],
    ['/ringfence/alerts', alerts],
  ]
}
