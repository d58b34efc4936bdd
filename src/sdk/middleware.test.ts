import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type RequestListener, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { text } from 'node:stream/consumers'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { parseServiceName } from '../core/names.ts'
import { SigningKey } from '../tokens/signing-key.ts'
import { tenantContext, tenantMiddleware as expressMiddleware } from './express.ts'
import { tenantPlugin } from './fastify.ts'
import { tenantMiddleware as honoMiddleware } from './hono.ts'
import { tenantListener } from './node-http.ts'
import { startTestPlatform, tenantNamed, type TestPlatform } from './platform.test-support.ts'
import { Ringfence } from './ringfence.ts'
import type { VerifiedContext } from './verified-context.ts'

const HARBOR = tenantNamed('harbor')
const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const HEADER = 'Ringfence-Context'

/** What each application below answers: on whose behalf it thinks it works. */
const answerOf = ({ tenant, subject, trace }: VerifiedContext) => ({
  tenant,
  subject,
  trace: trace.traceId,
})

const FRAMEWORKS: Readonly<Record<string, (ringfence: Ringfence) => Promise<RequestListener>>> = {
  'Node’s http': async (ringfence) =>
    tenantListener(ringfence, (_, response, context) => {
      response.end(JSON.stringify(answerOf(context)))
    }),
  async Express(ringfence) {
    const app = express()
    app.use(expressMiddleware(ringfence))
    app.get('/', (_, response) => {
      response.json(answerOf(tenantContext(response)))
    })
    return app as RequestListener
  },
  async Fastify(ringfence) {
    let listener: RequestListener | undefined
    const app = fastify({
      serverFactory: (handler) => {
        listener = handler
        return createServer()
      },
    })
    await app.register(tenantPlugin, { ringfence })
    app.get('/', async (request) => answerOf(request.tenantContext))
    await app.ready()
    assert.ok(listener)
    return listener
  },
  async Hono(ringfence) {
    const app = new Hono()
      .use(honoMiddleware(ringfence))
      .get('/', (c) => c.json(answerOf(c.get('tenantContext'))))
    const listener = getRequestListener(app.fetch)
    return (request, response) => {
      void listener(request, response)
    }
  },
}

for (const [name, listenerOf] of Object.entries(FRAMEWORKS)) {
  describe(`a service on ${name}`, () => {
    let platform: TestPlatform
    let ringfence: Ringfence
    let port: number
    const server = createServer()

    before(async () => {
      platform = await startTestPlatform({ lease: () => ({ status: 500, body: {} }) })
      ringfence = new Ringfence(platform.options)
      server.on('request', await listenerOf(ringfence))
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      ;({ port } = server.address() as AddressInfo)
    })
    after(async () => {
      server.closeAllConnections()
      server.close()
      await ringfence.close()
      await platform.close()
    })

    /** Headers in pairs, so that one can come twice. */
    async function ask(...headers: readonly (readonly [string, string])[]) {
      const request = httpRequest({ port, host: '127.0.0.1', agent: false }).setHeader('x-a', 'b')
      for (const [name] of headers) {
        request.setHeader(
          name,
          headers.filter(([other]) => other === name).map(([, value]) => value),
        )
      }
      request.end()
      const [response] = (await once(request, 'response')) as [import('node:http').IncomingMessage]
      const body: unknown = JSON.parse(await text(response))
      return {
        status: response.statusCode,
        type: response.headers['content-type'],
        body,
        headers: response.headers,
      }
    }

    test('works on behalf of the tenant whose context comes, in the trace that it comes in', async () => {
      const token = await platform.context(HARBOR)
      const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`
      const { status, body } = await ask([HEADER, token], ['traceparent', traceparent])
      assert.deepEqual(body, { tenant: 'harbor', subject: 'ada', trace: TRACE })
      assert.equal(status, 200)
    })

    test('begins a trace where none comes, or two', async () => {
      const token = await platform.context(HARBOR)
      const traceparent = `00-${TRACE}-00f067aa0ba902b7-01`
      const { body } = await ask(
        [HEADER, token],
        ['traceparent', traceparent],
        ['traceparent', traceparent],
      )
      assert.notEqual((body as { trace: string }).trace, TRACE)
      assert.match((body as { trace: string }).trace, /^[0-9a-f]{32}$/)
    })

    test('refuses everything else with one and the same answer', async () => {
      const good = await platform.context(HARBOR)
      const [header = '', payload = '', signature = ''] = good.split('.')
      const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'rf-context+jwt' })).toString(
        'base64url',
      )
      const stranger = await SigningKey.create('ES256')
      const elsewhere = { service: parseServiceName('billing') }
      const expired = await platform.requestKey.sign('rf-context+jwt', {
        ...(JSON.parse(Buffer.from(payload, 'base64url').toString()) as object),
        iat: Math.floor(Date.now() / 1000) - 100,
        exp: Math.floor(Date.now() / 1000) - 50,
      })
      const attacks: Record<string, readonly (readonly [string, string])[]> = {
        'no context': [],
        'an empty one': [[HEADER, '']],
        garbage: [[HEADER, 'x']],
        'the same context twice': [
          [HEADER, good],
          [HEADER, good],
        ],
        'two contexts in one header': [[HEADER, `${good}, ${good}`]],
        'a context with white space in it': [[HEADER, `${good} x`]],
        'the context in Authorization': [['Authorization', `Bearer ${good}`]],
        'no signature': [[HEADER, `${header}.${payload}.`]],
        'alg none': [[HEADER, `${none}.${payload}.`]],
        'alg none with a signature': [[HEADER, `${none}.${payload}.${signature}`]],
        'a key of somebody else’s': [[HEADER, await platform.context(HARBOR, {}, 60, stranger)]],
        'another service’s context': [[HEADER, await platform.context(HARBOR, elsewhere)]],
        'a job context that the gateway signed': [
          [HEADER, await platform.context(HARBOR, { kind: 'job' }, 60)],
        ],
        'a context that has expired': [[HEADER, expired]],
      }
      const answers = new Set<string>()
      for (const [what, headers] of Object.entries(attacks)) {
        const { status, type, body, headers: answered } = await ask(...headers)
        assert.equal(status, 401, what)
        assert.match(type ?? '', /^application\/problem\+json/, what)
        assert.equal(answered['www-authenticate'], 'Ringfence-Context', what)
        answers.add(JSON.stringify(body))
      }
      assert.equal(answers.size, 1, [...answers].join('\n'))
      assert.equal((await ask([HEADER, good])).status, 200)
    })
  })
}
