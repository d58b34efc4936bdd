import assert from 'node:assert/strict'
import { test } from 'node:test'
import { OpenAPIHono } from '@hono/zod-openapi'
import type { BlankEnv } from 'hono/types'
import { z } from 'zod'
import { RingfenceError } from '../core/errors.ts'
import { held } from './described-routes.test-support.ts'
import { routesOf, serveDocument } from './described-routes.ts'
import { problemResponse } from './problem.ts'

/** One route that answers what it is told to. */
function served(answer: () => Response) {
  const things = new OpenAPIHono<BlankEnv>()
  const route = routesOf(things, { tag: 'things', by: 'tenant', refusals: [404] })
  const schema = z.strictObject({ name: z.string(), amount: z.string().transform(BigInt) })
  route(
    {
      ...{ method: 'get', path: '/{name}', id: 'getThing', summary: 'One thing.' },
      query: { at: z.iso.datetime(), by: z.string().optional() },
      answers: { 200: { description: 'The thing.', schema } },
    },
    answer,
  )
  const app = new OpenAPIHono<BlankEnv>()
  app.route('/v1/things', things)
  const info = { title: 'Things', version: '1.0.0', description: '' }
  const scheme = { type: 'http', scheme: 'bearer', description: 'A token.' } as const
  serveDocument(app, '/v1/openapi.json', info, { tenant: scheme })
  return app
}

test('what is routed is in the document, as it is on the wire', async () => {
  const app = served(() => Response.json({}))
  const document = await (await app.request('/v1/openapi.json')).json()
  assert.partialDeepStrictEqual(document, {
    openapi: '3.1.0',
    paths: {
      '/v1/things/{name}': {
        get: {
          operationId: 'getThing',
          security: [{ tenant: [] }],
          parameters: [
            { name: 'name', in: 'path', required: true },
            { name: 'at', in: 'query', required: true, schema: { format: 'date-time' } },
            { name: 'by', in: 'query', required: false },
          ],
          responses: {
            200: {
              content: {
                'application/json': { schema: { properties: { amount: { type: 'string' } } } },
              },
            },
            404: { content: { 'application/problem+json': {} } },
          },
        },
      },
    },
    components: { securitySchemes: { tenant: { scheme: 'bearer' } } },
  })
})

test('an answer with a field too many, one too few, or a status that is not named is noticed', async () => {
  const ask = (answer: () => Response) => held(served(answer)).request('/v1/things/one')
  const thing = { name: 'one', amount: '9007199254740993' }
  await ask(() => Response.json(thing))
  await ask(() => problemResponse(new RingfenceError('not_found', 'there is no such thing')))
  for (const answer of [
    () => Response.json({ ...thing, secret: 'x' }),
    () => Response.json({ name: 'one' }),
    () => Response.json({ ...thing, amount: 1 }),
    () => Response.json(thing, { status: 201 }),
    () => new Response('one'),
    () => problemResponse(new RingfenceError('forbidden', 'you may not')),
  ]) {
    await assert.rejects(ask(answer), assert.AssertionError)
  }
})
