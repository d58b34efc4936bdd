import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { z } from 'zod'
import { RingfenceError } from '../../core/errors.ts'
import { TENANT_ADMIN_ROLE } from '../../core/tenant-admin.ts'
import { problemResponse } from '../../http/problem.ts'
import type { TenantCaller } from './caller.ts'

const BODY_BYTES_MAX = 32 * 1024
/** Of anything here. */
export const ADMINISTRATORS_REFUSALS = [400, 401, 403, 404, 500, 503, 504]

export type AdministratorsEnv = { Variables: { caller: TenantCaller } }

export interface AdministratorsAppOptions {
  /** Who asks, as the gateway has vouched for. */
  readonly callerOf: (headers: Headers) => Promise<TenantCaller>
  /** What it is called in the log. */
  readonly what: string
  readonly log: (line: string) => void
}

/**
 * For a tenant's administrators alone. Whose things it is about is said by who asks and by nothing else:
 * there is no query, and no answer is kept by anybody on the way.
 */
export function administratorsApp(
  options: AdministratorsAppOptions,
): OpenAPIHono<AdministratorsEnv> {
  const { callerOf, what, log } = options
  const app = new OpenAPIHono<AdministratorsEnv>()
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
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error, context) => {
    const requestId = (context.get('caller') as TenantCaller | undefined)?.requestId
    if (!(error instanceof RingfenceError)) log(`${what}: ${requestId ?? ''}: ${error.name}`)
    return problemResponse(error, requestId)
  })
  return app
}

/**
 * A body with secrets in it.
 * @throws RingfenceError `invalid_argument` that repeats no value
 */
export async function secretBody<S extends z.ZodType>(
  context: Context,
  schema: S,
): Promise<z.output<S>> {
  const length = Number(context.req.header('content-length') ?? '0')
  const text = length > BODY_BYTES_MAX ? '' : await context.req.text()
  let value: unknown
  try {
    value = text.length > BODY_BYTES_MAX ? undefined : JSON.parse(text)
  } catch {
    value = undefined
  }
  const read = schema.safeParse(value)
  if (read.success) return read.data
  const [issue] = read.error.issues
  throw new RingfenceError('invalid_argument', `${issue?.path.join('.') || 'body'}: is not valid`)
}
