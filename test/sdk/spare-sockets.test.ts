import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { until } from './pool-ground.test-support.ts'
import { type ServerAddress, SpareSockets } from '../../src/sdk/postgres/spare-sockets.ts'

/** A server that only accepts, and the sockets that it holds. */
async function listening(
  t: TestContext,
): Promise<{ address: ServerAddress; accepted: Set<Socket> }> {
  const host = await mkdtemp(join(tmpdir(), 'rf-spare-'))
  const accepted = new Set<Socket>()
  const server = createServer((socket) => {
    accepted.add(socket)
    socket.on('close', () => accepted.delete(socket))
  })
  await new Promise<void>((resolve) => {
    server.listen(`${host}/.s.PGSQL.5432`, resolve)
  })
  t.after(async () => {
    for (const socket of accepted) socket.destroy()
    server.close()
    await rm(host, { recursive: true, force: true })
  })
  return { address: { host, port: 5432 }, accepted }
}

test('spares are there from the second request on, and are replaced when taken', async (t) => {
  const { address, accepted } = await listening(t)
  const spares = new SpareSockets(2)
  t.after(() => spares.close())
  assert.equal(spares.take(address), undefined)
  await until(() => accepted.size === 2)
  const taken = spares.take(address)
  assert.equal(taken?.readyState, 'open')
  await until(() => accepted.size === 3)
  taken?.destroy()
})

test('a spare that the server closed is not handed out', async (t) => {
  const { address, accepted } = await listening(t)
  const spares = new SpareSockets(1)
  t.after(() => spares.close())
  spares.take(address)
  await until(() => accepted.size === 1)
  for (const socket of accepted) socket.destroy()
  await until(() => accepted.size === 0)
  assert.equal(spares.take(address), undefined)
})

test('spares of another address are dropped, and all of them at the end', async (t) => {
  const [first, second] = [await listening(t), await listening(t)]
  const spares = new SpareSockets(2)
  spares.take(first.address)
  await until(() => first.accepted.size === 2)
  spares.take(second.address)
  await until(() => first.accepted.size === 0 && second.accepted.size === 2)
  spares.close()
  await until(() => second.accepted.size === 0)
  assert.equal(spares.take(second.address), undefined)
})
