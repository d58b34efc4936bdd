import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { scratch } from '../clusters/scratch.test-support.ts'
import { openNatsLink } from './nats-link.ts'
import { natsSchema } from './nats-settings.ts'

const PASSWORD = 'a-password-of-the-test'

/** Says something to whoever connects, and keeps what it is told. */
async function serverSaying(t: TestContext, greeting: string) {
  let told = ''
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => (told += data.toString()))
    socket.end(greeting)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { port: address.port, told: () => told }
}

function settings(t: TestContext, server: string) {
  const passwordFile = `${scratch(t)}/password`
  writeFileSync(passwordFile, PASSWORD)
  return natsSchema.parse({ servers: [server], user: 'gateway', passwordFile })
}

const info = (more: object = {}) =>
  `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.10', proto: 1, max_payload: 1024, ...more })}\r\n`

test('a server without TLS, where TLS is wanted, is not told who we are', async (t) => {
  const { port, told } = await serverSaying(t, info())
  const server = `tls://localhost:${port}`
  await assert.rejects(
    openNatsLink(settings(t, server), server, () => {}),
    /does not support 'tls'/,
  )
  assert.equal(told(), '')
})

test('one that wants TLS where none is configured is refused, too', async (t) => {
  const { port, told } = await serverSaying(t, info({ tls_required: true }))
  const server = `nats://127.0.0.1:${port}`
  await assert.rejects(openNatsLink(settings(t, server), server, () => {}))
  assert.equal(told(), '')
})

test('what is no NATS server is an error without a secret, and not the end of the process', async (t) => {
  for (const greeting of [
    '',
    'HTTP/1.1 400 Bad Request\r\n\r\n',
    'INFO {\r\n',
    'INFO []\r\n',
    info(),
  ]) {
    const { port } = await serverSaying(t, greeting)
    const server = `nats://127.0.0.1:${port}`
    await assert.rejects(
      openNatsLink(settings(t, server), server, () => {}),
      (error) => !String(error).includes(PASSWORD),
    )
  }
})
