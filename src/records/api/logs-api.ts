import { Hono } from 'hono'
import type { Address } from '../../http/call.ts'
import { problemResponse } from '../../http/problem.ts'
import { logStates } from '../log/log-states.ts'
import type { PostgresLogStore } from '../log/postgres-log-store.ts'
import { operatorOf } from './operator.ts'

export interface LogsApiOptions {
  /** Of all regions that are there now. */
  readonly stores: () => readonly PostgresLogStore[]
  /** How many witnesses there are. */
  readonly witnesses: number
  /** Where it is asked who an operator is. */
  readonly control: Address
}

/** All logs by name, with their public keys and how far witnesses and anchors are. Nothing of what is in them. */
export function logsApi({ stores, witnesses, control }: LogsApiOptions): Hono {
  const app = new Hono()
  app.get('/', async (context) => {
    await operatorOf(control, context.req.raw.headers, 'log')
    const states = await Promise.all(stores().map((store) => logStates(store, witnesses)))
    context.header('cache-control', 'no-store')
    return context.json({
      items: states.flat().map(({ log, size, keys, anchored, witnessed }) => ({
        ...{ log, size, keys, anchored },
        ...(witnessed === undefined
          ? {}
          : { witnessed_size: witnessed.size, witnessed_at: witnessed.at?.toISOString() ?? null }),
      })),
    })
  })
  app.onError((error) => problemResponse(error))
  return app
}
