import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { z } from 'zod'

/** The `:id` of the path. @throws HTTPException 404 if it is not a uuid: nothing has such an id. */
export function idParameter(c: Context): string {
  const id = z.guid().safeParse(c.req.param('id'))
  if (!id.success) throw new HTTPException(404)
  return id.data
}

/** The body, checked. @throws HTTPException 400 if it is not JSON; z.ZodError if it does not fit. */
export async function jsonBody<S extends z.ZodType>(c: Context, schema: S): Promise<z.output<S>> {
  const body: unknown = await c.req.json().catch(() => {
    throw new HTTPException(400)
  })
  return schema.parse(body)
}
