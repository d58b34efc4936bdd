import { Hono } from 'hono'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { problemResponse } from '../http/problem.ts'
import type { StoredResponses } from './stored-responses.ts'

const LISTED_MAX = 1_000
const BODY_BYTES_MAX = 4_096
const undoSchema = z.strictObject({ reason: z.string().min(1).max(500) })

export interface BehaviourApiOptions {
  readonly responses: Pick<StoredResponses, 'inForce' | 'undo'>
  /** Who asks. @throws RingfenceError for whoever may not */
  readonly operatorOf: (
    headers: Headers,
    act: 'read' | 'write',
  ) => Promise<{ readonly name: string }>
}

/** For operators: what detectors have done that is in force, and taking it back. */
export function behaviourApi({ responses, operatorOf }: BehaviourApiOptions): Hono {
  const app = new Hono()
  app.get('/responses', async (context) => {
    await operatorOf(context.req.raw.headers, 'read')
    return context.json({ items: await responses.inForce(LISTED_MAX) })
  })
  app.post('/responses/:id/undo', async (context) => {
    const { name } = await operatorOf(context.req.raw.headers, 'write')
    const text = await context.req.text()
    const { data } = undoSchema.safeParse(text.length > BODY_BYTES_MAX ? undefined : parse(text))
    if (data === undefined) throw new RingfenceError('invalid_argument', 'say the reason')
    const id = context.req.param('id')
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
