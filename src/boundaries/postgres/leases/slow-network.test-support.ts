import { createServer, connect, type Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../test-site.test-support.ts'

/** A unix socket in front of a server's, which can hold back what the server says. */
export interface SlowNetwork {
  /** The directory to connect to in place of the server's. */
  readonly host: string
  /** Resolves when the server has said something to somebody since `hold`. */
  heldBack(): Promise<void>
  hold(): void
  /** Lets everything through that was held back, and what follows. */
  release(): void
  close(): Promise<void>
}

export async function startSlowNetwork(server: {
  readonly host: string
  readonly port: number
}): Promise<SlowNetwork> {
  const host = await mkdtemp(join(tmpdir(), 'rf-net-'))
  const name = `.s.PGSQL.${server.port}`
  const sockets = new Set<Socket>()
  let holding = false
  let held: (() => void)[] = []
  const proxy = createServer((client) => {
    const upstream = connect(join(server.host, name))
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.once('close', () => {
        sockets.delete(socket)
        const end = () => {
          for (const other of [client, upstream]) other.end()
        }
        // What is held back comes first.
        if (holding) held.push(end)
        else end()
      })
    }
    client.on('data', (data) => upstream.write(data))
    upstream.on('data', (data) => {
      if (!holding) {
        client.write(data)
        return
      }
      held.push(() => client.write(data))
    })
  })
  await new Promise<void>((resolve) => proxy.listen(join(host, name), resolve))
  return {
    host,
    heldBack: () => until(() => held.length > 0),
    hold() {
      holding = true
    },
    release() {
      holding = false
      for (const deliver of held) deliver()
      held = []
    },
    async close() {
      proxy.close()
      for (const socket of sockets) socket.destroy()
      await rm(host, { recursive: true, force: true })
    },
  }
}
