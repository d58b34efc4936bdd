import { type Context, Hono } from 'hono'
import { ownerOf } from '../../alerts/alert.ts'
import type { Alerts } from '../../alerts/open-alerts.ts'
import { RingfenceError } from '../../core/errors.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import { problemResponse } from '../../http/problem.ts'
import type { TenantCaller } from '../api/caller.ts'
import {
  type AlertSinkInput,
  alertSinkInputSchema,
  alertSinkNameSchema,
} from './alert-sink-settings.ts'
import type { ShownAlertSink, TenantAlertSinks } from './tenant-alert-sinks.ts'

const BODY_BYTES_MAX = 32 * 1024

export interface AlertSinksApiOptions {
  readonly sinks: TenantAlertSinks
  readonly alerts: Pick<Alerts, 'firing'>
  /** Who asks, as the gateway has vouched for. */
  readonly callerOf: (headers: Headers) => Promise<TenantCaller>
  readonly log: (line: string) => void
}

type Env = { Variables: { caller: TenantCaller } }

/**
 * A tenant's own alerts that fire now, and where they are sent, for its administrators. Whose they are is
 * said by who asks and by nothing else, and no secret is ever answered.
 */
export function alertSinksApi({ sinks, alerts, callerOf, log }: AlertSinksApiOptions): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (context, next) => {
    const caller = await callerOf(context.req.raw.headers)
    if (!caller.roles.includes(TENANT_ADMIN_ROLE)) {
      throw new RingfenceError('forbidden', `this needs the role ${TENANT_ADMIN_ROLE}`)
    }
    if (Object.keys(context.req.queries()).length > 0) {
      throw new RingfenceError('invalid_argument', 'this takes no query')
    }
    context.set('caller', caller)
    await next()
    context.header('cache-control', 'no-store')
  })
  app.get('/', (context) => {
    const firing = alerts.firing(ownerOf(context.var.caller.tenant))
    return context.json({
      items: firing.map(({ fingerprint, since, signal }) => ({
        ...{ fingerprint, name: signal.name, severity: signal.severity, labels: signal.labels },
        ...{ summary: signal.summary, detail: signal.detail ?? null, since: new Date(since) },
      })),
    })
  })
  app.get('/sinks', async (context) =>
    context.json({ items: (await sinks.list(context.var.caller.tenant)).map(wireSink) }),
  )
  app.get('/sinks/:name', async (context) =>
    context.json(wireSink(await sinks.get(context.var.caller.tenant, nameOf(context)))),
  )
  app.put('/sinks/:name', async (context) => {
    const { tenant, subject, requestId } = context.var.caller
    const name = nameOf(context)
    const sink = await inputOf(context)
    sinks.check(tenant, name, sink)
    await sinks.put(tenant, name, sink, { subject, requestId })
    return context.json(wireSink(await sinks.get(tenant, name)))
  })
  app.delete('/sinks/:name', async (context) => {
    const { tenant, subject, requestId } = context.var.caller
    await sinks.remove(tenant, nameOf(context), { subject, requestId })
    return context.body(null, 204)
  })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error, context) => {
    const requestId = (context.get('caller') as TenantCaller | undefined)?.requestId
    if (!(error instanceof RingfenceError)) log(`alert sinks: ${requestId ?? ''}: ${error.name}`)
    return problemResponse(error, requestId)
  })
  return app
}

function wireSink(sink: ShownAlertSink): object {
  return {
    name: sink.name,
    ...sink.settings,
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

/** @throws RingfenceError `invalid_argument` that repeats no value: there are secrets among them */
async function inputOf(context: Context): Promise<AlertSinkInput> {
  const length = Number(context.req.header('content-length') ?? '0')
  const text = length > BODY_BYTES_MAX ? '' : await context.req.text()
  let value: unknown
  try {
    value = text.length > BODY_BYTES_MAX ? undefined : JSON.parse(text)
  } catch {
    value = undefined
  }
  const read = alertSinkInputSchema.safeParse(value)
  if (read.success) return read.data.sink
  const [issue] = read.error.issues
  throw new RingfenceError('invalid_argument', `${issue?.path.join('.') || 'body'}: is not valid`)
}
