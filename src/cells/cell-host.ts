import type { Boundary } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { listen, type Listening } from '../http/listen.ts'
import { exportStream } from './export-stream.ts'
import { failureResponse, fromJson } from './failure.ts'
import {
  checked,
  KEEPER_OPERATIONS,
  LEASER_OPERATIONS,
  type Operations,
  pathOf,
} from './operations.ts'
import * as wire from './wire.ts'

const REQUEST_CHARACTERS_MAX = 64 * 1024

export interface CellHostOptions {
  readonly boundary: Boundary
  /** Path of the unix socket for the control plane: all of the boundary but proofs. */
  readonly keeper: string
  /** Path of the unix socket for the vending plane: credentials only. */
  readonly leaser: string
  /** For failures that nobody expected. */
  readonly log?: (line: string) => void
}

export interface CellHost {
  /** Addresses for the clients: `unix:/path`. */
  readonly keeper: string
  readonly leaser: string
  /** Takes no new calls and waits for those under way, 10 seconds at most. The boundary stays open. */
  close(): Promise<void>
}

/**
 * Serves a boundary to other processes of the same user, on two sockets: what vending reaches is not
 * there on its socket, rather than forbidden. @throws RingfenceError `port_taken`, `not_writable`
 */
export async function hostCell(options: CellHostOptions): Promise<CellHost> {
  const { boundary } = options
  const log = options.log ?? (() => {})
  const keeper = await listen(handler(boundary, KEEPER_OPERATIONS, log, true), {
    socket: options.keeper,
  })
  let leaser: Listening
  try {
    leaser = await listen(handler(boundary, LEASER_OPERATIONS, log, false), {
      socket: options.leaser,
    })
  } catch (error) {
    await keeper.close()
    throw error
  }
  return {
    keeper: keeper.url,
    leaser: leaser.url,
    async close() {
      await Promise.all([keeper.close(), leaser.close()])
    },
  }
}

function handler(
  boundary: Boundary,
  operations: Operations,
  log: (line: string) => void,
  exporting: boolean,
): (request: Request) => Promise<Response> {
  const byPath = new Map(Object.entries(operations).map(([name, one]) => [pathOf(name), one]))
  const unexpected = (error: unknown) => {
    if (!(error instanceof RingfenceError) || error.code === 'internal') {
      const detail = error instanceof RingfenceError ? `: ${error.detail ?? ''}` : ''
      log(`cell host: ${messageOf(error)}${detail}`)
    }
  }
  return async (request) => {
    const { pathname } = new URL(request.url)
    const operation = byPath.get(pathname)
    try {
      if (exporting && pathname === pathOf('export') && request.method === 'POST') {
        const { tenant } = checked(wire.ofTenant, await inputOf(request))
        const body = exportStream((sink) => boundary.export(tenant, sink), unexpected)
        return new Response(body, { headers: { 'content-type': 'application/octet-stream' } })
      }
      if (operation === undefined || request.method !== 'POST') {
        throw new RingfenceError('not_found', 'there is nothing here')
      }
      const result = await operation.answer(boundary, await inputOf(request))
      return Response.json(result ?? null, { headers: { 'cache-control': 'no-store' } })
    } catch (error) {
      unexpected(error)
      return failureResponse(error)
    }
  }
}

async function inputOf(request: Request): Promise<unknown> {
  const text = await request.text()
  if (text.length > REQUEST_CHARACTERS_MAX) {
    throw new RingfenceError('invalid_argument', 'the request is too long')
  }
  return fromJson(text)
}
