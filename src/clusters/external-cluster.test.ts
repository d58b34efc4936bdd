import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { test } from 'node:test'
import { backendMemoryKiB } from './backend-memory.ts'
import type { ConnectionSettings } from './cluster.ts'
import { openExternal } from './external-cluster.ts'
import { findDistributionBinaries } from './server-binaries.ts'
import { ask, scratch, seeded, started } from './scratch.test-support.ts'

const urlOf = (to: ConnectionSettings, user = to.user, password = to.password ?? '') =>
  `postgres://${user}:${encodeURIComponent(password)}@/postgres?host=${to.host}`

test('a server that someone else runs is taken, and left alone by stop', async (t) => {
  const distribution = findDistributionBinaries().map(({ binaries }) => binaries)
  for (const binaries of [undefined, ...distribution]) {
    const directory = scratch(t)
    const server = await started(t, { directory, ...(binaries ? { binaries } : {}) })
    const cluster = await openExternal('theirs', urlOf(server.admin))
    assert.equal(cluster.serverVersion, server.serverVersion)
    assert.equal(cluster.embedded, false)
    assert.equal(cluster.directory, undefined)
    await cluster.stop()
    assert.deepEqual(await ask(cluster.admin, 'SELECT 1'), [1])
    await server.stop()
  }
})

test('a user without the rights, and a wrong password, are refused without a word of it', async (t) => {
  const { admin } = await seeded(t, { directory: scratch(t) })
  await ask(admin, `CREATE ROLE plain LOGIN PASSWORD 'planted-91c2'`)
  await assert.rejects(openExternal('x', urlOf(admin, 'plain', 'planted-91c2')), {
    code: 'engine_unsupported',
    message: /superuser/,
  })
  await assert.rejects(openExternal('x', urlOf(admin, 'plain', 'planted-0000')), (error) => {
    assert.match(inspect(error), /engine_unavailable/)
    assert.match(inspect(error), /28P01/)
    assert.equal(/planted|0000/.test(inspect(error, { depth: 10 })), false)
    return true
  })
})

test('a server that is not there, or is no PostgreSQL, is unavailable', async (t) => {
  await assert.rejects(openExternal('x', `postgres://u:p@/db?host=${join(scratch(t), 'none')}`), {
    code: 'engine_unavailable',
    message: /ENOENT/,
  })
  const other = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  }).listen(0, '127.0.0.1')
  t.after(() => other.close())
  await new Promise((resolve) => other.once('listening', resolve))
  const address = other.address()
  assert.ok(address !== null && typeof address === 'object')
  await assert.rejects(openExternal('x', `postgres://u:p@127.0.0.1:${address.port}/db`), {
    code: 'engine_unavailable',
  })
})

test('the memory of a backend is known where it can be', async (t) => {
  const { admin } = await seeded(t, { directory: scratch(t) })
  const [pid] = await ask(admin, 'SELECT pg_backend_pid()')
  assert.equal(await backendMemoryKiB(Number(pid)), undefined, 'it has gone')
  const own = await backendMemoryKiB(process.pid)
  if (process.platform === 'linux') assert.ok(own !== undefined && own > 1024)
  assert.equal(await backendMemoryKiB(-1), undefined)
})
