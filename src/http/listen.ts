import cluster from 'node:cluster'
import { chmod, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Server as NetServer } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { messageOf, RingfenceError } from '../core/errors.ts'

const HEADERS_MS_MAX = 10_000
const REQUEST_MS_MAX = 60_000
/** How long requests under way may take when the server is told to stop. */
const DRAIN_MS_MAX = 10_000
const IDLE_MS = 50

/** Where a server listens: a unix socket that only our own user may open, or TCP. */
export type Listen = { readonly socket: string } | { readonly host: string; readonly port: number }

export interface Listening {
  /** `http://127.0.0.1:4180`, or `unix:/path`. */
  readonly url: string
  /** Takes no new connections, waits for requests under way (10 s at most), and is gone. */
  close(): Promise<void>
}

type Fetch = (request: Request) => Response | Promise<Response>

/** Serves a fetch handler. @throws RingfenceError `port_taken`, `not_writable` */
export function listen(fetch: Fetch, where: Listen): Promise<Listening> {
  const listener = getRequestListener(fetch)
  return listenWith(
    createServer((request, response) => void listener(request, response)),
    where,
  )
}

/** How long a caller may take to send a request, in milliseconds. */
export interface ListenTimes {
  readonly headersMs: number
  readonly requestMs: number
}

/** Makes a Node server listen, with time-outs and an orderly end. */
export async function listenWith(
  server: Server,
  where: Listen,
  times: ListenTimes = { headersMs: HEADERS_MS_MAX, requestMs: REQUEST_MS_MAX },
): Promise<Listening> {
  server.headersTimeout = times.headersMs
  server.requestTimeout = times.requestMs
  return { url: await bind(server, where), close: () => close(server) }
}

/**
 * Makes a server of any kind listen. Returns its address: `http://127.0.0.1:4180`, or `unix:/path`.
 * @throws RingfenceError `port_taken`, `not_writable`
 */
export async function bind(server: NetServer, where: Listen): Promise<string> {
  // A worker's listener is its primary's: another worker may have it already.
  if (cluster.isPrimary) await removeStaleSocket(where)
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(error, where)))
    if ('socket' in where) server.listen(where.socket, resolve)
    else server.listen(where.port, where.host, resolve)
  })
  if ('socket' in where) await chmod(where.socket, 0o600)
  const address = server.address() as AddressInfo | string
  return typeof address === 'string'
    ? `unix:${address}`
    : `http://${hostOf(address)}:${address.port}`
}

function close(server: Server): Promise<void> {
  const last = setTimeout(() => server.closeAllConnections(), DRAIN_MS_MAX)
  // A connection whose last request has just ended would be kept for seconds.
  const idle = setInterval(() => server.closeIdleConnections(), IDLE_MS)
  return new Promise((resolve) => {
    server.close(() => {
      clearTimeout(last)
      clearInterval(idle)
      resolve()
    })
    server.closeIdleConnections()
  })
}

/**
 * A socket file that a killed process left behind would keep us from listening; a live one must. To be
 * called by a primary for what its workers will listen on.
 * @throws RingfenceError `port_taken`
 */
export async function removeStaleSocket(where: Listen): Promise<void> {
  if (!('socket' in where)) return
  const path = where.socket
  const alive = await new Promise<boolean>((resolve) => {
    const probe = connect(path)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
  if (alive) throw new RingfenceError('port_taken', `another process listens on ${path}`)
  await rm(path, { force: true })
}

function cannotListen(error: NodeJS.ErrnoException, where: Listen): RingfenceError {
  const place = 'socket' in where ? where.socket : `${where.host}:${where.port}`
  const code = error.code === 'EADDRINUSE' ? 'port_taken' : 'not_writable'
  return new RingfenceError(code, `cannot listen on ${place}: ${messageOf(error)}`, {
    cause: error,
  })
}

function hostOf({ address, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]` : address
}
