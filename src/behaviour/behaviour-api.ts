import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { type Operation, routesOf } from '../http/described-routes.ts'
import { problemResponse } from '../http/problem.ts'
import type { StoredResponses } from './stored-responses.ts'

const LISTED_MAX = 1_000
const BODY_BYTES_MAX = 4_096
const undoSchema = z.strictObject({ reason: z.string().min(1).max(500) })

const responseSchema = z.strictObject({
  tenant: z.string().nullable(),
  ...{ id: z.uuid(), kind: z.string(), object: z.string(), detector: z.string() },
  ...{ reason: z.string(), began_at: z.iso.datetime(), until: z.iso.datetime() },
})
const LIST_RESPONSES: Operation = {
  ...{ method: 'get', path: '/responses', id: 'listResponses' },
  summary: 'What detectors have done that is in force.',
  answers: {
    200: {
      description: 'The newest thousand of it.',
      schema: z.strictObject({ items: z.array(responseSchema) }),
    },
  },
}
const UNDO_RESPONSE: Operation = {
  ...{ method: 'post', path: '/responses/{id}/undo', id: 'undoResponse' },
  summary: 'Take a response back.',
  body: { schema: undoSchema },
  answers: {
    200: {
      description: 'Who has ended it.',
      schema: z.strictObject({ id: z.string(), ended_by: z.string() }),
    },
  },
}

export interface BehaviourApiOptions {
  readonly responses: Pick<StoredResponses, 'inForce' | 'undo'>
  /** Who asks. @throws RingfenceError for whoever may not */
  readonly operatorOf: (
    headers: Headers,
    act: 'read' | 'write',
  ) => Promise<{ readonly name: string }>
}

/** For operators: what detectors have done that is in force, and taking it back. */
export function behaviourApi({
  responses,
  operatorOf,
}: BehaviourApiOptions): OpenAPIHono<BlankEnv> {
  const app = new OpenAPIHono<BlankEnv>()
  const route = routesOf(app, {
    ...{ tag: 'behaviour', by: 'operator', refusals: [400, 401, 403, 404, 429, 500, 503, 504] },
  })
  route(LIST_RESPONSES, async (context) => {
    await operatorOf(context.req.raw.headers, 'read')
    return context.json({ items: await responses.inForce(LISTED_MAX) })
  })
  route(UNDO_RESPONSE, async (context) => {
    const { name } = await operatorOf(context.req.raw.headers, 'write')
    const text = await context.req.text()
    const { data } = undoSchema.safeParse(text.length > BODY_BYTES_MAX ? undefined : parse(text))
    if (data === undefined) throw new RingfenceError('invalid_argument', 'say the reason')
    const id = context.req.param('id') ?? ''
    await responses.undo(id, { by: name, reason: data.reason })
    return context.json({ id, ended_by: name })
  })
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
