import type { Boundary } from '../boundaries/boundary.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { listen, type Listening } from '../http/listen.ts'
import { ExportDesk } from './export-desk.ts'
import { failureResponse, fromJson } from './failure.ts'
import { KEEPER_OPERATIONS, LEASER_OPERATIONS, type Operations, pathOf } from './operations.ts'

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
  const keeper = await listen(handler(boundary, KEEPER_OPERATIONS, log, new ExportDesk()), {
    socket: options.keeper,
  })
  let leaser: Listening
  try {
    leaser = await listen(handler(boundary, LEASER_OPERATIONS, log, undefined), {
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

type Handler = (request: Request) => Promise<Response>

function handler(
  boundary: Boundary,
  operations: Operations,
  log: (line: string) => void,
  exports: ExportDesk | undefined,
): Handler {
  const byPath = new Map(Object.entries(operations).map(([name, one]) => [pathOf(name), one]))
  const unexpected = (error: unknown) => {
    if (error instanceof RingfenceError && error.code !== 'internal') return
    const detail = error instanceof RingfenceError ? `: ${error.detail ?? ''}` : ''
    log(`cell host: ${messageOf(error)}${detail}`)
  }
  const answer = async (path: string, input: () => Promise<unknown>): Promise<Response> => {
    if (path === pathOf('export') && exports !== undefined) {
      return new Response(exports.begin(boundary, await input(), unexpected), {
        headers: { 'content-type': 'application/octet-stream' },
      })
    }
    if (path === pathOf('stopExport') && exports !== undefined) {
      await exports.stop(await input())
      return Response.json(null)
    }
    const operation = byPath.get(path)
    if (operation === undefined) throw nothingHere()
    const result = await operation.answer(boundary, await input())
    return Response.json(result ?? null, { headers: { 'cache-control': 'no-store' } })
  }
  return async (request) => {
    try {
      if (request.method !== 'POST') throw nothingHere()
      return await answer(new URL(request.url).pathname, () => inputOf(request))
    } catch (error) {
      unexpected(error)
      return failureResponse(error)
    }
  }
}

const nothingHere = () => new RingfenceError('not_found', 'there is nothing here')

async function inputOf(request: Request): Promise<unknown> {
  const text = await request.text()
  if (text.length > REQUEST_CHARACTERS_MAX) {
    throw new RingfenceError('invalid_argument', 'the request is too long')
  }
  return fromJson(text)
}
