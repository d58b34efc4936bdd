import { createHash, timingSafeEqual } from 'node:crypto'
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { RingfenceError } from '../core/errors.ts'
import { problemResponse } from '../http/problem.ts'
import { PROMETHEUS_TYPE } from './prometheus-text.ts'
import type { ProcessCounts } from './counts.ts'

export interface TelemetryAppOptions {
  readonly text: () => Promise<string>
  readonly counts: () => ProcessCounts
  /** What callers say to be known by. Absent: whoever reaches the listener. */
  readonly token: string | undefined
}

/** For operators' scrapers, on a listener that tenants do not reach: it names every tenant. */
export function telemetryApp({ text, counts, token }: TelemetryAppOptions): Hono {
  const app = new Hono()
  const check = createMiddleware(async (context, next) => {
    if (token === undefined || isKnown(context.req.header('authorization'), token)) {
      await next()
      context.header('cache-control', 'no-store')
      return undefined
    }
    const refusal = new RingfenceError('not_authenticated', 'this is for those who scrape')
    return problemResponse(refusal, undefined, { 'www-authenticate': 'Bearer realm="metrics"' })
  })
  // That there is nothing else is no secret.
  for (const path of ['/metrics', '/counts']) app.use(path, check)
  app.get('/metrics', async (context) =>
    context.body(await text(), 200, { 'content-type': PROMETHEUS_TYPE }),
  )
  app.get('/counts', (context) => context.json(counts()))
  app.notFound(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  app.onError((error) => problemResponse(error))
  return app
}

function isKnown(header: string | undefined, token: string): boolean {
  return timingSafeEqual(hashOf(header ?? ''), hashOf(`Bearer ${token}`))
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
