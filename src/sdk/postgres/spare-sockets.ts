import { connect, type Socket } from 'node:net'

/** Where a server listens. A host that begins with a slash is the directory of a unix socket. */
export interface ServerAddress {
  readonly host: string
  readonly port: number
}

/** Servers hang up on who says nothing for `authentication_timeout`: 10 s here, 60 s elsewhere. */
const AGE_MAX_MS = 6_000

/**
 * Sockets that are connected already, on which nothing has been said. PostgreSQL makes a process for
 * a connection before it knows who will log in, so that this part of a login can be done in advance.
 * A spare holds none of the server's `max_connections`.
 */
export class SpareSockets {
  readonly #count: number
  readonly #sockets: Socket[] = []
  readonly #opening = new Set<Socket>()
  #address: ServerAddress | undefined
  #closed = false

  /** Keeps `count` spares for the address that was asked for last. */
  constructor(count: number) {
    this.#count = count
  }

  /** A connected socket to the address, if there is one. It belongs to the caller from then on. */
  take(address: ServerAddress): Socket | undefined {
    if (this.#count === 0 || this.#closed) return undefined
    if (address.host !== this.#address?.host || address.port !== this.#address.port) {
      this.#drop()
      this.#address = { host: address.host, port: address.port }
    }
    const socket = this.#sockets.pop()
    socket?.setTimeout(0)
    socket?.ref()
    setImmediate(() => this.#fill())
    return socket
  }

  close(): void {
    this.#closed = true
    this.#drop()
  }

  #drop(): void {
    for (const socket of [...this.#sockets.splice(0), ...this.#opening]) socket.destroy()
  }

  #fill(): void {
    const address = this.#address
    if (this.#closed || address === undefined) return
    while (this.#sockets.length + this.#opening.size < this.#count) this.#open(address)
  }

  #open(address: ServerAddress): void {
    const { host, port } = address
    const socket = host.startsWith('/')
      ? connect(`${host}/.s.PGSQL.${port}`)
      : connect({ host, port })
    this.#opening.add(socket)
    socket.unref()
    // Errors are for whoever connects next to meet; a spare just goes.
    socket.on('error', () => {})
    socket.once('connect', () => {
      this.#opening.delete(socket)
      this.#sockets.push(socket)
      // Only what is used is replaced: an idle pool keeps no server process busy with it.
      socket.setTimeout(AGE_MAX_MS, () => socket.destroy())
    })
    socket.on('close', () => {
      this.#opening.delete(socket)
      const index = this.#sockets.indexOf(socket)
      if (index >= 0) this.#sockets.splice(index, 1)
    })
  }
}
