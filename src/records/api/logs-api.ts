import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import type { Address } from '../../http/call.ts'
import { type Operation, routesOf } from '../../http/described-routes.ts'
import { problemResponse } from '../../http/problem.ts'
import { logStates } from '../log/log-states.ts'
import type { PostgresLogStore } from '../log/postgres-log-store.ts'
import { operatorOf } from './operator.ts'

const LIST_LOGS: Operation = {
  ...{ method: 'get', path: '/', id: 'listLogs' },
  summary: 'All logs, with their keys, and how far witnesses and anchors are.',
  answers: {
    200: {
      description: 'Nothing of what is in them.',
      schema: z.strictObject({
        items: z.array(
          z.strictObject({
            ...{ log: z.string(), size: z.int(), keys: z.array(z.string()), anchored: z.boolean() },
            witnessed_size: z.int().optional(),
            witnessed_at: z.iso.datetime().nullish(),
          }),
        ),
      }),
    },
  },
}

export interface LogsApiOptions {
  /** Of all regions that are there now. */
  readonly stores: () => readonly PostgresLogStore[]
  /** How many witnesses there are. */
  readonly witnesses: number
  /** Where it is asked who an operator is. */
  readonly control: Address
}

/** All logs by name, with their public keys and how far witnesses and anchors are. Nothing of what is in them. */
export function logsApi({ stores, witnesses, control }: LogsApiOptions): OpenAPIHono<BlankEnv> {
  const app = new OpenAPIHono<BlankEnv>()
  const route = routesOf(app, {
    ...{ tag: 'audit', by: 'operator', refusals: [401, 403, 429, 500, 503, 504] },
  })
  route(LIST_LOGS, async (context) => {
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
