import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { parseTenantId } from '../../../src/core/tenant.ts'
import { startTestPlatform, type TestPlatform } from '../../../src/sdk/platform.test-support.ts'

const MAIN = join(import.meta.dirname, 'main.ts')

let platform: TestPlatform
before(async () => {
  platform = await startTestPlatform({ lease: () => ({ status: 503, body: {} }) })
})
after(() => platform.close())

const run = (env: Readonly<Record<string, string>>) =>
  spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })

test('the server says where it listens, answers, and stops by itself on SIGTERM', async (t) => {
  const server = run({ ...platform.environment, PORT: '0' })
  t.after(() => server.kill('SIGKILL'))
  const lines = createInterface(server.stdout)
  const exited = once(server, 'exit')
  const [first] = (await once(lines, 'line')) as [string]
  const { url } = JSON.parse(first) as { url: string }
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  assert.equal((await fetch(`${url}/appointments`)).status, 401)
  const headers = { 'Ringfence-Context': await platform.context(parseTenantId('harbor')) }
  assert.equal((await fetch(`${url}/appointments`, { headers })).status, 503)
  server.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

for (const [what, changed, message] of [
  ['no vending address', { RINGFENCE_VENDING: '' }, /^clinic: RINGFENCE_VENDING: .+\n$/],
  ['a port that is none', { PORT: 'http' }, /^clinic: PORT: .+\n$/],
  ['no identity', { RINGFENCE_CLIENT_ID: '' }, /^clinic: RINGFENCE_CLIENT_ID: .+\n$/],
] as const) {
  test(`with ${what} the server does not start, and says so in one line`, async (t) => {
    const server = run({ ...platform.environment, ...changed })
    t.after(() => server.kill('SIGKILL'))
    const [errors, [code]] = await Promise.all([text(server.stderr), once(server, 'exit')])
    assert.equal(code, 2)
    assert.match(errors, message)
  })
}

test('on a port that is taken the server ends with one line', async (t) => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  const server = run({ ...platform.environment, PORT: String(address.port) })
  t.after(() => server.kill('SIGKILL'))
  const [errors, [code]] = await Promise.all([text(server.stderr), once(server, 'exit')])
  assert.equal(code, 1)
  assert.match(errors, /^clinic: cannot listen: [^\n]+\n$/)
})
