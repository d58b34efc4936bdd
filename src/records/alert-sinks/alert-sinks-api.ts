import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { ownerOf } from '../../alerts/alert.ts'
import type { Alerts } from '../../alerts/open-alerts.ts'
import { RingfenceError } from '../../core/errors.ts'
import { routesOf } from '../../http/described-routes.ts'
import {
  ADMINISTRATORS_REFUSALS,
  type AdministratorsEnv,
  administratorsApp,
  secretBody,
} from '../api/administrators-app.ts'
import type { TenantCaller } from '../api/caller.ts'
import { ALERT_OPERATIONS } from './alert-operations.ts'
import {
  alertSinkInputSchema,
  alertSinkNameSchema,
  confirmationSchema,
} from './alert-sink-settings.ts'
import type { ShownAlertSink, TenantAlertSinks } from './tenant-alert-sinks.ts'

export interface AlertSinksApiOptions {
  readonly sinks: TenantAlertSinks
  readonly alerts: Pick<Alerts, 'firing'>
  /** Who asks, as the gateway has vouched for. */
  readonly callerOf: (headers: Headers) => Promise<TenantCaller>
  readonly log: (line: string) => void
}

/**
 * A tenant's own alerts that fire now, and where they are sent, for its administrators. Whose they are is
 * said by who asks and by nothing else, and no secret is ever answered.
 */
export function alertSinksApi({
  sinks,
  alerts,
  callerOf,
  log,
}: AlertSinksApiOptions): OpenAPIHono<AdministratorsEnv> {
  const app = administratorsApp({ callerOf, what: 'alert sinks', log })
  const route = routesOf(app, {
    ...{ tag: 'alerts', by: 'tenant', refusals: ADMINISTRATORS_REFUSALS },
  })
  route(ALERT_OPERATIONS.firing, (context) => {
    const firing = alerts.firing(ownerOf(context.var.caller.tenant))
    return context.json({
      items: firing.map(({ fingerprint, since, signal }) => ({
        ...{ fingerprint, name: signal.name, severity: signal.severity, labels: signal.labels },
        ...{ summary: signal.summary, detail: signal.detail ?? null, since: new Date(since) },
      })),
    })
  })
  route(ALERT_OPERATIONS.list, async (context) =>
    context.json({ items: (await sinks.list(context.var.caller.tenant)).map(wireSink) }),
  )
  route(ALERT_OPERATIONS.get, async (context) =>
    context.json(wireSink(await sinks.get(context.var.caller.tenant, nameOf(context)))),
  )
  route(ALERT_OPERATIONS.put, async (context) => {
    const { tenant, subject, requestId } = context.var.caller
    const name = nameOf(context)
    const { sink } = await secretBody(context, alertSinkInputSchema)
    sinks.check(tenant, name, sink)
    await sinks.put(tenant, name, sink, { subject, requestId })
    return context.json(wireSink(await sinks.get(tenant, name)))
  })
  route(ALERT_OPERATIONS.confirm, async (context) => {
    const { tenant, subject, requestId } = context.var.caller
    const name = nameOf(context)
    const told = await secretBody(context, confirmationSchema)
    await sinks.confirm(tenant, name, told, { subject, requestId })
    return context.json(wireSink(await sinks.get(tenant, name)))
  })
  route(ALERT_OPERATIONS.remove, async (context) => {
    const { tenant, subject, requestId } = context.var.caller
    await sinks.remove(tenant, nameOf(context), { subject, requestId })
    return context.body(null, 204)
  })
  return app
}

function wireSink(sink: ShownAlertSink): object {
  return {
    name: sink.name,
    ...sink.settings,
    ...(sink.settings.kind === 'mail' ? { unconfirmed: sink.unconfirmed } : {}),
    delivered_at: sink.deliveredAt ?? null,
    last_error: sink.lastError ?? null,
    set_by: sink.setBy,
    set_at: sink.setAt,
  }
}

function nameOf(context: Context): string {
  const read = alertSinkNameSchema.safeParse(context.req.param('name'))
  if (read.success) return read.data
  throw new RingfenceError('invalid_argument', 'a sink has a name like pager')
}
