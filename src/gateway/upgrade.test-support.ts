import type { ApiConfig, ContractConfig } from '../contracts/contract.ts'
import { parseApiName, parseContractName, parseUpstreamName } from '../core/names.ts'
import { WebSocket } from 'ws'
import { type Ask, type Door, tokenOf } from './door.test-support.ts'

const api = (name: string, change: Partial<ApiConfig> = {}): ApiConfig => ({
  name: parseApiName(name),
  prefix: `/${name}`,
  upstream: { of: 'platform', name: parseUpstreamName('clinic') },
  ...change,
})

/** A contract with an API that may be upgraded, and one that may not. */
export const UPGRADES: { readonly contract: ContractConfig } = {
  contract: {
    name: parseContractName('live'),
    apis: [api('live', { upgrades: true }), api('clinic')],
  },
}

export interface Opened {
  readonly socket: WebSocket
  /** What came of it: `open`, or the status and body of the refusal. */
  readonly outcome: string
  /** Resolves when it is closed. */
  readonly closed: Promise<void>
}

/** Asks for a WebSocket as a caller would. */
export function openSocket(
  port: number,
  { path, host = 'api.example', token, headers = [] }: Ask,
  protocol: 'ws' | 'wss' = 'ws',
): Promise<Opened> {
  const more: Record<string, string> = {}
  for (let index = 0; index < headers.length; index += 2) {
    more[headers[index] ?? ''] = headers[index + 1] ?? ''
  }
  const socket = new WebSocket(`${protocol}://127.0.0.1:${port}${path}`, {
    ...{ rejectUnauthorized: false, servername: host },
    headers: {
      host,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...more,
    },
  })
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => resolve())
  })
  return new Promise((resolve) => {
    socket.on('error', (error) => resolve({ socket, outcome: error.message, closed }))
    socket.once('open', () => resolve({ socket, outcome: 'open', closed }))
    socket.once('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => {
        socket.terminate()
        resolve({ socket, outcome: `${response.statusCode} ${body}`, closed })
      })
    })
  })
}

/** What a message comes back as. */
export function echoed({ socket }: Opened, message: string): Promise<string> {
  return new Promise((resolve, reject) => {
    socket.once('message', (data: Buffer) => resolve(data.toString()))
    socket.once('close', () => reject(new Error('closed')))
    socket.send(message)
  })
}

/** A WebSocket of acme's user, in the API that allows it. */
export const acmeSocket = (door: Door, claims: Readonly<Record<string, unknown>> = {}) =>
  openSocket(door.port, { path: '/t/acme/live/x', token: tokenOf('acme', claims) })
