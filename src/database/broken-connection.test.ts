import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { test } from 'node:test'
import { PooledDatabase } from './pooled-database.ts'

const message = (type: string, body: string) => {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(4 + body.length)
  return Buffer.concat([Buffer.from(type), length, Buffer.from(body, 'latin1')])
}
/** A server that lets its caller in and is killed: all in one packet. */
const WELCOME_AND_END = Buffer.concat([
  message('R', '\0\0\0\0'),
  message('Z', 'I'),
  message('E', 'SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
])

test('a server that is killed in the moment of connecting fails the transaction, and nothing else', async (t) => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => socket.end(WELCOME_AND_END))
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const settings = { host: '127.0.0.1', port, user: 'anybody', database: 'any' }
  const database = new PooledDatabase(settings, {
    ...{ applicationName: 'test', connections: 1, connectMs: 10_000, statementMs: 10_000 },
    errorsOf: () => new Error('as the use says'),
  })
  t.after(async () => {
    await database.close()
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const doing = database.transaction((tx) => tx.query('select 1'))
  await assert.rejects(doing, /as the use says/)
})
