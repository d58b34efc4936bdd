import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'

const MAIN = join(import.meta.dirname, 'main.ts')

const run = (env: Record<string, string>) =>
  spawn(process.execPath, [MAIN], { env, stdio: ['ignore', 'pipe', 'pipe'] })

test('the server says where it listens, answers, and stops by itself on SIGTERM', async (t) => {
  const server = run({ PORT: '0', RINGFENCE_VENDING_SOCKET: '/nowhere/vending.sock' })
  t.after(() => server.kill('SIGKILL'))
  const lines = createInterface(server.stdout)
  const exited = once(server, 'exit')
  const [first] = (await once(lines, 'line')) as [string]
  const { url } = JSON.parse(first) as { url: string }
  assert.equal((await fetch(`${url}/healthz`)).status, 200)
  const headers = { authorization: 'Bearer some-token' }
  assert.equal((await fetch(`${url}/appointments`, { headers })).status, 503)
  server.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null])
})

for (const [what, env, message] of [
  ['no vending address', {}, /^clinic: RINGFENCE_VENDING_SOCKET: set it .+\n$/],
  ['a port that is none', { PORT: 'http', RINGFENCE_VENDING_SOCKET: 's' }, /^clinic: PORT: .+\n$/],
  ['a vending URL that is none', { RINGFENCE_VENDING_URL: 'x' }, /^clinic: RINGFENCE_VENDING_URL/],
] as const) {
  test(`with ${what} the server does not start, and says so in one line`, async (t) => {
    const server = run(env)
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
  const server = run({ PORT: String(address.port), RINGFENCE_VENDING_SOCKET: 's' })
  t.after(() => server.kill('SIGKILL'))
  const [errors, [code]] = await Promise.all([text(server.stderr), once(server, 'exit')])
  assert.equal(code, 1)
  assert.match(errors, /^clinic: cannot listen: [^\n]+\n$/)
})
