import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { RingfenceError } from '../core/errors.ts'
import { tenantListener, type TenantRequestListener } from './node-http.ts'
import { startTestPlatform, tenantNamed } from './platform.test-support.ts'
import { Ringfence } from './ringfence.ts'

/** What a service answers whose listener does this. */
async function answerOf(t: TestContext, listener: TenantRequestListener): Promise<Response> {
  const platform = await startTestPlatform({ lease: () => ({ status: 500, body: {} }) })
  const ringfence = new Ringfence(platform.options)
  const server = createServer(tenantListener(ringfence, listener)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.closeAllConnections()
    server.close()
    await ringfence.close()
    await platform.close()
  })
  const { port } = server.address() as AddressInfo
  const headers = { 'ringfence-context': await platform.context(tenantNamed('harbor')) }
  return fetch(`http://127.0.0.1:${port}/`, { headers })
}

test('a refusal of the SDK’s is answered with its status and code', async (t) => {
  const response = await answerOf(t, async () => {
    throw new RingfenceError('forbidden', 'the tenant context does not allow to write')
  })
  assert.equal(response.status, 403)
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.deepEqual(await response.json(), {
    type: 'urn:ringfence:error:forbidden',
    title: 'the tenant context does not allow to write',
    status: 403,
    code: 'forbidden',
  })
})

test('what may pass says when to come back', async (t) => {
  const response = await answerOf(t, async () => {
    throw new RingfenceError('overloaded', 'later')
  })
  assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1'])
})

test('any other error is answered without a word of it', async (t) => {
  const response = await answerOf(t, async () => {
    throw new Error('password=s3cret')
  })
  assert.equal(response.status, 500)
  assert.doesNotMatch(await response.text(), /s3cret/)
})

test('an error after the answer has begun cuts the connection, so that nobody takes it for whole', async (t) => {
  const answer = answerOf(t, async (_, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half')
    throw new Error('too late')
  })
  await assert.rejects(answer.then((response) => response.text()))
})
