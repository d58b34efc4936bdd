import { createMiddleware } from 'hono/factory'
import { RingfenceError } from '../../core/errors.ts'
import type { ApiEnvironment } from './environment.ts'

/**
 * Refuses a target that is not in its plain form (dot segments, also encoded; backslashes; a whole
 * URL). What reads it resolves them, and what stands in front and lets callers through by the
 * beginning of a path may not: the two would then see different resources.
 */
export const plainTarget = createMiddleware<ApiEnvironment>(async (context, next) => {
  const target = targetOf(context.env)
  const plain =
    target === undefined || target.split('?', 1)[0] === new URL(context.req.url).pathname
  if (!plain) throw new RingfenceError('not_found', 'there is no such resource')
  await next()
})

/** As it came over the network; undefined for a request that did not. */
function targetOf(environment: unknown): string | undefined {
  if (typeof environment !== 'object' || environment === null) return undefined
  if (!('incoming' in environment)) return undefined
  const { incoming } = environment
  if (typeof incoming !== 'object' || incoming === null || !('url' in incoming)) return undefined
  return String(incoming.url)
}
