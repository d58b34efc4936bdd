import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { call } from './call.ts'
import { listen, removeStaleSocket } from './listen.ts'

const ok = () => new Response('ok')

function scratch(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'rf-test-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

test('a call over TCP and over a socket is answered, whatever the status', async (t) => {
  const refuse = (request: Request) =>
    request.text().then((body) => new Response(`${request.method} ${body}`, { status: 418 }))
  const places = [{ host: '127.0.0.1', port: 0 }, { socket: join(scratch(t), 'a.sock') }]
  for (const where of places) {
    const listening = await listen(refuse, where)
    const answer = await call(listening.url, { method: 'POST', path: '/x', body: 'hé' })
    assert.deepEqual([answer.status, answer.text], [418, 'POST hé'])
    await listening.close()
    await assert.rejects(call(listening.url, { method: 'GET', path: '/' }), {
      code: 'engine_unavailable',
    })
  }
})

test('a socket is ours alone', async (t) => {
  const socket = join(scratch(t), 'a.sock')
  const listening = await listen(ok, { socket })
  assert.equal(statSync(socket).mode & 0o777, 0o600)
  await listening.close()
})

test('what a killed process left in the place of a socket does not stop us', async (t) => {
  const socket = join(scratch(t), 'a.sock')
  writeFileSync(socket, '')
  const listening = await listen(ok, { socket })
  assert.equal((await call(listening.url, { method: 'GET', path: '/' })).text, 'ok')
  await listening.close()
})

test('a place that another has is refused, and stays the other’s', async (t) => {
  const places = [{ host: '127.0.0.1', port: 0 }, { socket: join(scratch(t), 'a.sock') }]
  for (const where of places) {
    const first = await listen(ok, where)
    const { port } = 'port' in where ? new URL(first.url) : { port: '0' }
    const again = 'port' in where ? { host: '127.0.0.1', port: Number(port) } : where
    await assert.rejects(listen(ok, again), { code: 'port_taken' })
    assert.equal((await call(first.url, { method: 'GET', path: '/' })).text, 'ok')
    await first.close()
  }
})

test('the end waits for a request under way', async (t) => {
  let finish: (() => void) | undefined
  let begun: (() => void) | undefined
  const isBegun = new Promise<void>((resolve) => {
    begun = resolve
  })
  const slow = async () => {
    begun?.()
    await new Promise<void>((resolve) => {
      finish = resolve
    })
    return new Response('late')
  }
  const listening = await listen(slow, { socket: join(scratch(t), 'a.sock') })
  const calling = call(listening.url, { method: 'GET', path: '/' })
  await isBegun
  const closing = listening.close()
  finish?.()
  assert.equal((await calling).text, 'late')
  await closing
})

test('a server that does not answer in time is given up, and a caller can give up', async (t) => {
  const never = () => new Promise<Response>(() => undefined)
  const listening = await listen(never, { socket: join(scratch(t), 'a.sock') })
  await assert.rejects(call(listening.url, { method: 'GET', path: '/', timeoutMs: 20 }), {
    code: 'timed_out',
  })
  const signal = AbortSignal.timeout(20)
  await assert.rejects(call(listening.url, { method: 'GET', path: '/', signal }), {
    code: 'engine_unavailable',
  })
  await listening.close()
})

test('what a killed process left is cleared away for workers, and what another listens on is not', async (t) => {
  const socket = join(scratch(t), 'a.sock')
  writeFileSync(socket, '')
  await removeStaleSocket({ socket })
  assert.equal(existsSync(socket), false)
  const alive = await listen(ok, { socket })
  t.after(() => alive.close())
  await assert.rejects(removeStaleSocket({ socket }), { code: 'port_taken' })
  assert.equal(existsSync(socket), true)
})
