import { createRoute } from '@hono/zod-openapi'
import { RingfenceError } from '../../../core/errors.ts'
import type { Api, ApiParts } from '../environment.ts'
import { json, refusals } from '../responses.ts'
import { healthSchema } from '../schemas.ts'

const tags = ['health']

/** For those who start, watch and balance processes. They tell nothing else and need no token. */
export function addHealth(api: Api, { plane, options }: ApiParts): void {
  const well = { status: 'ok', version: options.version } as const
  api.openapi(
    createRoute({
      method: 'get',
      path: '/healthz',
      operationId: 'getHealth',
      summary: 'The process runs.',
      tags,
      security: [],
      responses: { 200: json('It does.', healthSchema) },
    }),
    (context) => context.json(well, 200),
  )
  api.openapi(
    createRoute({
      method: 'get',
      path: '/readyz',
      operationId: 'getReadiness',
      summary: 'The control database answers and workflows run.',
      tags,
      security: [],
      responses: { 200: json('They do.', healthSchema), ...refusals(503) },
    }),
    async (context) => {
      // However it fails: who asks is to send nobody here.
      const ready = await plane.healthy().catch(() => false)
      if (ready) return context.json(well, 200)
      throw new RingfenceError('engine_unavailable', 'the control plane is not ready')
    },
  )
}
