import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { logOf } from '../../audit/entry.ts'
import { RingfenceError } from '../../core/errors.ts'
import { routesOf } from '../../http/described-routes.ts'
import {
  ADMINISTRATORS_REFUSALS,
  type AdministratorsEnv,
  administratorsApp,
  secretBody,
} from '../api/administrators-app.ts'
import type { TenantCaller } from '../api/caller.ts'
import { signedSize } from '../api/log-reader.ts'
import type { LogStore } from '../log/log-store.ts'
import { SINK_OPERATIONS } from './sink-operations.ts'
import { type SinkInput, sinkInputSchema, sinkNameSchema } from './sink-settings.ts'
import type { ShownSink, Sinks } from './sinks.ts'

export interface SinksApiOptions {
  readonly sinks: Sinks
  readonly store: LogStore
  /** Who asks, as the gateway has vouched for. */
  readonly callerOf: (headers: Headers) => Promise<TenantCaller>
  /** @throws RingfenceError `invalid_argument` for a place that a tenant's log may not be sent to */
  readonly check: (sink: SinkInput['sink']) => void
  readonly log: (line: string) => void
}

/**
 * Where a tenant's own log is sent, for its administrators. Whose it is is said by who asks and by nothing
 * else, and no secret is ever answered.
 */
export function sinksApi({
  sinks,
  store,
  callerOf,
  check,
  log,
}: SinksApiOptions): OpenAPIHono<AdministratorsEnv> {
  const app = administratorsApp({ callerOf, what: 'audit sinks', log })
  const route = routesOf(app, {
    ...{ tag: 'audit sinks', by: 'tenant', refusals: ADMINISTRATORS_REFUSALS },
  })
  const ownLog = (context: Context<AdministratorsEnv>) => logOf(context.var.caller.tenant)
  route(SINK_OPERATIONS.list, async (context) => {
    const own = ownLog(context)
    const [items, size] = [await sinks.list(own), await signedSize(store, own)]
    return context.json({ items: items.map((sink) => wireSink(sink, size)) })
  })
  route(SINK_OPERATIONS.get, async (context) => {
    const own = ownLog(context)
    const sink = await sinks.get(own, nameOf(context))
    return context.json(wireSink(sink, await signedSize(store, own)))
  })
  route(SINK_OPERATIONS.put, async (context) => {
    const [own, name] = [ownLog(context), nameOf(context)]
    const { sink, from } = await secretBody(context, sinkInputSchema)
    check(sink)
    const size = await signedSize(store, own)
    const { subject, requestId } = context.var.caller
    await sinks.put(own, name, sink, from === 'start' ? 0 : size, { subject, requestId })
    return context.json(wireSink(await sinks.get(own, name), size))
  })
  route(SINK_OPERATIONS.remove, async (context) => {
    const { subject, requestId } = context.var.caller
    await sinks.remove(ownLog(context), nameOf(context), { subject, requestId })
    return context.body(null, 204)
  })
  return app
}

function wireSink(sink: ShownSink, size: number): object {
  return {
    name: sink.name,
    ...sink.settings,
    position: sink.position,
    /** Entries that it does not have yet. */
    waiting: Math.max(0, size - sink.position),
    state: sink.stopped ? 'stopped' : sink.attempts > 0 ? 'failing' : 'streaming',
    attempts: sink.attempts,
    last_error: sink.lastError ?? null,
    delivered_at: sink.deliveredAt ?? null,
    set_by: sink.setBy,
    set_at: sink.setAt,
  }
}

function nameOf(context: Context): string {
  const read = sinkNameSchema.safeParse(context.req.param('name'))
  if (read.success) return read.data
  throw new RingfenceError('invalid_argument', 'a sink has a name like siem')
}
