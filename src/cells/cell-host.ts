import type { Boundary } from '../boundaries/boundary.ts'
import type { CostMeter } from '../boundaries/costs.ts'
import { messageOf, RingfenceError } from '../core/errors.ts'
import { listen, type Listening } from '../http/listen.ts'
import { ExportDesk } from './export-desk.ts'
import { failureResponse, fromJson } from './failure.ts'
import {
  KEEPER_OPERATIONS,
  LEASER_OPERATIONS,
  METER_OPERATIONS,
  type Operations,
  pathOf,
} from './operations.ts'

const REQUEST_CHARACTERS_MAX = 64 * 1024

export interface CellHostOptions {
  readonly boundary: Boundary
  /** Path of the unix socket for the control plane: all of the boundary but proofs. */
  readonly keeper: string
  /** Path of the unix socket for the vending plane: credentials only. */
  readonly leaser: string
  /** Path of the unix socket for the records plane: what tenants cost, and no more. Absent: it is not told. */
  readonly meter?: { readonly socket: string; readonly costs: CostMeter }
  /** For failures that nobody expected. */
  readonly log?: (line: string) => void
}

export interface CellHost {
  /** Addresses for the clients: `unix:/path`. */
  readonly keeper: string
  readonly leaser: string
  readonly meter: string | undefined
  /** Takes no new calls and waits for those under way, 10 seconds at most. The boundary stays open. */
  close(): Promise<void>
}

/**
 * Serves a boundary to other processes of the same user, on a socket for each: what vending and records do
 * not reach is not there on their sockets, rather than forbidden. @throws RingfenceError `port_taken`, `not_writable`
 */
export async function hostCell(options: CellHostOptions): Promise<CellHost> {
  const { boundary, meter } = options
  const log = options.log ?? (() => {})
  const open: Listening[] = []
  const close = async () => {
    await Promise.all(open.map((one) => one.close()))
  }
  const serve = async (socket: string, answer: Handler) => {
    const listening = await listen(answer, { socket })
    open.push(listening)
    return listening.url
  }
  try {
    return {
      keeper: await serve(
        options.keeper,
        handler(boundary, KEEPER_OPERATIONS, log, exporting(boundary, new ExportDesk())),
      ),
      leaser: await serve(options.leaser, handler(boundary, LEASER_OPERATIONS, log)),
      meter: meter && (await serve(meter.socket, handler(meter.costs, METER_OPERATIONS, log))),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

type Handler = (request: Request) => Promise<Response>

/** What streams, apart from the operations: undefined for another path. */
type Streaming = (
  path: string,
  input: () => Promise<unknown>,
  unexpected: (error: unknown) => void,
) => Promise<Response | undefined>

function exporting(boundary: Boundary, desk: ExportDesk): Streaming {
  return async (path, input, unexpected) => {
    if (path === pathOf('export')) {
      return new Response(desk.begin(boundary, await input(), unexpected), {
        headers: { 'content-type': 'application/octet-stream' },
      })
    }
    if (path !== pathOf('stopExport')) return undefined
    await desk.stop(await input())
    return Response.json(null)
  }
}

function handler<T>(
  target: T,
  operations: Operations<T>,
  log: (line: string) => void,
  streaming?: Streaming,
): Handler {
  const byPath = new Map(Object.entries(operations).map(([name, one]) => [pathOf(name), one]))
  const unexpected = (error: unknown) => {
    if (error instanceof RingfenceError && error.code !== 'internal') return
    const detail = error instanceof RingfenceError ? `: ${error.detail ?? ''}` : ''
    log(`cell host: ${messageOf(error)}${detail}`)
  }
  const answer = async (path: string, input: () => Promise<unknown>): Promise<Response> => {
    const streamed = await streaming?.(path, input, unexpected)
    if (streamed !== undefined) return streamed
    const operation = byPath.get(path)
    if (operation === undefined) throw nothingHere()
    const result = await operation.answer(target, await input())
    return new Response(toJson(result ?? null), {
      headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    })
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

/** Integers beyond JSON's as their digits. */
function toJson(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? `${one}` : one))
}

const nothingHere = () => new RingfenceError('not_found', 'there is nothing here')

async function inputOf(request: Request): Promise<unknown> {
  const text = await request.text()
  if (text.length > REQUEST_CHARACTERS_MAX) {
    throw new RingfenceError('invalid_argument', 'the request is too long')
  }
  return fromJson(text)
}
